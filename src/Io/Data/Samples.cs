namespace Mayfly;

/// <summary>
/// Samples of any kind in batches, epoch after epoch, each in an order of its own. Batch i is a function of the seed and i alone, so that
/// training resumes in the middle of an epoch with what would have come next: at batch <see cref="Updater.GlobalStep"/>.
/// </summary>
/// <typeparam name="T">A sample.</typeparam>
public sealed class Samples<T>
{
    /// <summary>Keeps the draws apart from those of initialisation, dropout and <see cref="Batches"/>.</summary>
    private const ulong Draws = 0x5A3C_1E5D_0000_0000;
    private readonly IReadOnlyList<T> items;
    private readonly ulong seed;
    private readonly bool shuffles;
    private (long Epoch, int[] Order)? known;

    /// <summary>Cuts samples into batches.</summary>
    /// <param name="items">The samples, at least one.</param>
    /// <param name="batch">Samples per batch; the last one of an epoch has what is left.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="shuffle">Whether each epoch has an order of its own; otherwise all have that of the samples.</param>
    /// <exception cref="ArgumentException">There is no sample.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A batch below 1.</exception>
    public Samples(IReadOnlyList<T> items, int batch, ulong seed = 1, bool shuffle = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        if (items.Count == 0) throw new ArgumentException("Samples: there is no sample.", nameof(items));
        (this.items, this.seed, shuffles) = (items, seed, shuffle);
        Batch = batch;
    }

    /// <summary>Samples per batch.</summary>
    public int Batch { get; }

    /// <summary>Batches of an epoch.</summary>
    public int PerEpoch => (items.Count + Batch - 1) / Batch;

    /// <summary>The samples of batch <paramref name="index"/>, counted from 0 over all epochs.</summary>
    public IReadOnlyList<T> Read(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        int first = (int)(index % PerEpoch) * Batch;
        int[] order = Order(index / PerEpoch);
        return Array.ConvertAll(order[first..Math.Min(first + Batch, order.Length)], i => items[i]);
    }

    /// <summary>
    /// Batches one after the other, made by another thread before they are asked for. What is made ahead changes neither their order nor
    /// their content.
    /// </summary>
    /// <param name="collate">Makes a batch of samples; it may make tensors, which are the caller's to dispose.</param>
    /// <param name="first">The number of the first one: the steps done before.</param>
    /// <param name="count">How many; null for no end.</param>
    /// <param name="ahead">How many are made before they are asked for.</param>
    public IEnumerable<TBatch> Stream<TBatch>(
        Func<IReadOnlyList<T>, TBatch> collate, long first = 0, long? count = null, int ahead = 2)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ahead);
        long end = count is { } known ? first + known : long.MaxValue, next = first;
        var made = new Queue<Task<TBatch>>();
        Task last = Task.CompletedTask; // one at a time, so that collate need not be safe for several threads
        for (long i = first; i < end; i++)
        {
            while (next < end && next <= i + ahead)
            {
                long index = next++;
                var task = last.ContinueWith(_ => collate(Read(index)), TaskScheduler.Default);
                made.Enqueue(task);
                last = task;
            }

            yield return made.Dequeue().GetAwaiter().GetResult();
        }
    }

    /// <summary>The order of an epoch (Fisher and Yates).</summary>
    private int[] Order(long epoch)
    {
        if (known is { } last && last.Epoch == epoch) return last.Order;
        int[] order = [.. Enumerable.Range(0, items.Count)];
        if (shuffles) Shuffle(order, epoch);
        known = (epoch, order);
        return order;
    }

    private void Shuffle(int[] order, long epoch)
    {
        var draws = new float[2 * order.Length]; // 24 bits each
        Rng.FillUniform(draws, 0, 1, new RandomKey(seed, Draws + (ulong)epoch));
        for (int i = order.Length - 1; i > 0; i--)
        {
            double draw = draws[2 * i] + draws[2 * i + 1] / (1 << 24);
            int j = Math.Min(i, (int)(draw * (i + 1)));
            (order[i], order[j]) = (order[j], order[i]);
        }
    }
}

/// <summary>Rows of different length as one tensor.</summary>
public static class Padding
{
    /// <summary>Ids side by side, filled up to the longest, and how many of each row count, as attention's mask takes them.</summary>
    /// <param name="rows">At least one row of at least one id each.</param>
    /// <param name="padding">What rows are filled up with.</param>
    /// <param name="device">Where they are made; null means <see cref="Device.Cpu"/>.</param>
    /// <returns>I32 (B, T) and I32 (B).</returns>
    /// <exception cref="ArgumentException">There is no row, or an empty one.</exception>
    public static (Tensor Ids, Tensor Lengths) Of(IReadOnlyList<int[]> rows, int padding = 0, Device? device = null)
    {
        if (rows.Count == 0 || rows.Any(row => row.Length == 0))
            throw new ArgumentException($"Padding: {rows.Count} rows; there is at least one, and each has an id.", nameof(rows));
        int time = rows.Max(row => row.Length);
        int[] ids = [.. rows.SelectMany(row => row.Concat(Enumerable.Repeat(padding, time - row.Length)))];
        int[] lengths = [.. rows.Select(row => row.Length)];
        return (Tensor.From<int>(ids, (rows.Count, time), device), Tensor.From<int>(lengths, rows.Count, device));
    }
}
