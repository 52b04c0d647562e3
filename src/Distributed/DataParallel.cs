namespace Mayfly;

/// <summary>
/// Trains one model on parts of a batch: every rank has all weights and all state, and steps them alike by the sum of all gradients. A
/// gradient is summed while the sweep finds the next one; small ones are summed together. At most two sums are under way at a time, so an
/// eager step holds a few gradients instead of one.
/// <code>
/// using var exchange = new DataParallel(ranks);
/// using var updater = new Updater(model.Parameters(), route, new UpdaterOptions { Exchange = exchange });
/// </code>
/// </summary>
public sealed class DataParallel : IGradientExchange, IDisposable
{
    /// <summary>Gradients of fewer bytes wait until they are as many together: each sum has its delay, whatever its size.</summary>
    internal const long LeastBytes = 256 << 10;

    private const int MostUnderWay = 2;
    private readonly CollectiveQueue queue;
    private readonly List<(Parameter Parameter, Tensor Gradient)> filling = [];
    private readonly Queue<GradientSum> underWay = [];

    /// <summary>For these ranks, which stay the caller's.</summary>
    public DataParallel(ICollectives ranks) => queue = new CollectiveQueue(ranks);

    /// <inheritdoc/>
    public int Rank => queue.Ranks.Rank;

    /// <inheritdoc/>
    public int Ranks => queue.Ranks.Ranks;

    /// <summary>What the sums go through, and other operations of these ranks have to.</summary>
    public CollectiveQueue Queue => queue;

    /// <inheritdoc/>
    public void Sum(Span<double> values)
    {
        var all = values.ToArray();
        queue.Do(ranks => ranks.AllReduce<double>(all));
        all.CopyTo(values);
    }

    /// <inheritdoc/>
    public bool Steps(Parameter parameter) => (Shards.OwnerOf(parameter) ?? Rank) == Rank;

    /// <inheritdoc/>
    public bool IsShared(Parameter parameter) => Shards.OwnerOf(parameter) is null;

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Add(Parameter parameter, Tensor gradient)
    {
        int? owner = Shards.OwnerOf(parameter);
        bool isAlone = gradient.Bytes >= LeastBytes || owner is not null;
        if (isAlone) Send(owner: null);
        filling.Add((parameter, gradient));
        if (isAlone || filling.Sum(f => f.Gradient.Bytes) >= LeastBytes) Send(owner);
        return Take(MostUnderWay);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Finish()
    {
        Send(owner: null);
        return Take(0);
    }

    /// <inheritdoc/>
    public void Cancel()
    {
        filling.Clear();
        while (underWay.TryDequeue(out var sum)) sum.Leave();
    }

    /// <inheritdoc/>
    public void Dispose() => queue.Dispose();

    private void Send(int? owner)
    {
        if (filling.Count == 0) return;
        underWay.Enqueue(new GradientSum([.. filling], owner, queue));
        filling.Clear();
    }

    /// <summary>Waits until so few are under way.</summary>
    private List<Parameter> Take(int most)
    {
        var summed = new List<Parameter>();
        while (underWay.Count > most) summed.AddRange(underWay.Dequeue().Take());
        return summed;
    }
}
