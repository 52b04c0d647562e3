namespace Mayfly;

/// <summary>
/// Divides the large weights of a model, with their state, among the ranks (ZeRO stage 3, Rajbhandari et al. 2020): each has whole ones,
/// and sends them to the others when they use them, who drop them at the end of the op. All ranks use them in the same order, that of the
/// step before tells what comes next, and this is on its way while an op computes. Whole weights, not slices: the rule that steps one has
/// all of its gradient, so that every rule gives the bits that it gives alone.
/// </summary>
internal sealed class Shards : Pager
{
    /// <summary>What is smaller is on all ranks: sending it would cost more than keeping it.</summary>
    internal const long UsualLeast = 64 << 10;

    private readonly Device device;
    private readonly CollectiveQueue? queue;
    private readonly ShardPlan plan;
    private readonly List<Shard> brought = [];
    private List<Shard> last = [], now = [];
    private Shard? beside;
    private long stretch;
    private int made, place;
    private bool isOpen;

    /// <summary>Divides what is made on a device from now on.</summary>
    /// <param name="device">The device.</param>
    /// <param name="plan">Who has which weight, and which rank this is.</param>
    /// <param name="queue">What sends them; null where nothing is sent, to plan.</param>
    public Shards(Device device, ShardPlan plan, CollectiveQueue? queue) => (this.device, this.plan, this.queue) = (device, plan, queue);

    /// <summary>The bytes of each weight with its state, in the order in which they were made.</summary>
    public List<long> Costs { get; } = [];

    /// <summary>The bytes that this rank sent or received so far, each counted once.</summary>
    public long MovedBytes { get; private set; }

    /// <summary>The rank that has a weight; null where all have it.</summary>
    public static int? OwnerOf(Parameter parameter) => (parameter.Value.Storage.Block as Shard)?.Owner;

    /// <inheritdoc/>
    public override void Settle()
    {
        if (IsHeld) return;
        stretch++;
        for (int i = brought.Count - 1; i >= 0; i--)
            if (!brought[i].IsExpected) Drop(brought[i]);
    }

    /// <inheritdoc/>
    public override void StartStep()
    {
        if (now.Count > 0)
        {
            (last, now) = (now, last);
            now.Clear();
        }

        (place, isOpen) = (0, true);
    }

    /// <inheritdoc/>
    public override void EndStep()
    {
        isOpen = false;
        foreach (var shard in brought) shard.IsExpected = false;
        foreach (var shard in last) shard.IsExpected = false;
        Settle();
    }

    /// <inheritdoc/>
    public override void Forget(Tensor weight)
    {
        if (weight.Storage.Block is Shard shard) shard.IsExpected = false;
    }

    /// <inheritdoc/>
    public override void Beside(Tensor? weight) => beside = weight?.Storage.Block as Shard;

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    internal override bool Takes(Use use, long bytes) => use switch
    {
        Use.Weight => bytes >= plan.LeastBytes,
        Use.State => beside is not null,
        _ => false,
    };

    internal override Lent Add(long bytes, Use use, string name)
    {
        int number = beside?.Number ?? made++;
        if (number == Costs.Count) Costs.Add(0);
        Costs[number] += bytes;
        var shard = new Shard(this, bytes, use, number, plan.OwnerOf(number), name);
        if (IsOwn(shard)) shard.Buffer = device.Arena.Rent(bytes, use, name);
        return shard;
    }

    internal Block Fetch(Shard shard, bool writes)
    {
        bool isFirst = shard.Stretch != stretch;
        shard.Stretch = stretch;
        if (writes || IsAlone) shard.IsExpected = false;
        else if (isFirst) Share(shard);
        if (writes || !IsOwn(shard)) Finish(shard);
        if (shard.Buffer is null) Make(shard);
        return shard.Buffer!;
    }

    internal void Remove(Shard shard)
    {
        last.RemoveAll(s => s == shard);
        now.RemoveAll(s => s == shard);
        if (shard.Buffer is null) return;
        shard.Coming?.WaitQuietly();
        brought.Remove(shard);
        device.Arena.Return(shard.Buffer, shard.Bytes, IsOwn(shard) ? shard.Kind : Use.Stream, shard.Name);
        shard.Buffer = null;
    }

    private bool IsOwn(Shard shard) => shard.Owner == plan.Rank;

    /// <summary>A use by all ranks: brings it, and what comes next.</summary>
    private void Share(Shard shard)
    {
        if (shard.IsExpected) shard.IsExpected = false;
        else Send(shard);
        if (!isOpen) return;
        now.Add(shard);
        place = place < last.Count && last[place] == shard ? place + 1 : int.MaxValue; // another order: nothing is expected
        if (place < last.Count) Expect(last[place]);
    }

    private void Expect(Shard next)
    {
        next.IsExpected = true;
        if (next.Stretch != stretch) Send(next);
    }

    /// <summary>All ranks start it: who has it sends, the others receive.</summary>
    private void Send(Shard shard)
    {
        Finish(shard);
        if (shard.Buffer is null) Make(shard);
        var (buffer, bytes, owner) = (shard.Buffer!, shard.Bytes, shard.Owner);
        MovedBytes += bytes;
        shard.Coming = queue?.Start(ranks => Broadcast(ranks, (HostBlock)buffer, bytes, owner));
    }

    private static void Broadcast(ICollectives ranks, HostBlock buffer, long bytes, int owner)
    {
        const int piece = 1 << 22;
        for (long first = 0; first < bytes; first += piece) ranks.Broadcast(buffer.Part(first, (int)Math.Min(piece, bytes - first)), owner);
    }

    private void Make(Shard shard)
    {
        shard.Buffer = device.Arena.Rent(shard.Bytes, Use.Stream, shard.Name);
        brought.Add(shard);
    }

    private static void Finish(Shard shard)
    {
        shard.Coming?.Wait();
        shard.Coming = null;
    }

    private void Drop(Shard shard)
    {
        shard.Coming?.WaitQuietly();
        shard.Coming = null;
        brought.Remove(shard);
        device.Arena.Return(shard.Buffer!, shard.Bytes, Use.Stream, shard.Name);
        shard.Buffer = null;
    }
}
