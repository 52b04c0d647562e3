namespace Mayfly;

/// <summary>
/// Which rank has which of a model's large weights: the largest first, each to the rank that has the fewest bytes of weights and state so
/// far.
/// <code>
/// var plan = ShardPlan.Of(ranks.Rank, ranks.Ranks, device => config.Create(device));
/// plan.Use(device, exchange.Queue);
/// using var model = config.Create(device);
/// </code>
/// </summary>
public sealed class ShardPlan
{
    private readonly int[] owners;

    private ShardPlan(int rank, int[] owners, IReadOnlyList<long> bytes) => (Rank, this.owners, BytesOfRanks) = (rank, owners, bytes);

    /// <summary>The rank whose memory is divided.</summary>
    public int Rank { get; }

    /// <summary>The bytes of the divided weights and their state that each rank has.</summary>
    public IReadOnlyList<long> BytesOfRanks { get; }

    /// <summary>Weights of fewer bytes, and their state, are on all ranks.</summary>
    internal long LeastBytes { get; private init; } = Shards.UsualLeast;

    /// <summary>The bytes of divided weights that were sent by a device's rank or received so far; 0 where none are divided.</summary>
    public static long MovedBytes(Device device) => (device.Pager as Shards)?.MovedBytes ?? 0;

    /// <summary>Divides a model's weights.</summary>
    /// <param name="rank">The rank whose memory is divided.</param>
    /// <param name="ranks">How many there are.</param>
    /// <param name="make">
    /// Makes the model on a device that counts only and, where their state is to be counted, what steps it. What it returns is disposed.
    /// </param>
    public static ShardPlan Of(int rank, int ranks, Func<Device, IDisposable> make) => Of(rank, ranks, make, Shards.UsualLeast);

    /// <summary>Lets a device keep its large weights so: those that are made from now on, in the order of the plan.</summary>
    /// <param name="device">This rank's.</param>
    /// <param name="queue">What sends weights to other ranks; null where nothing is to be sent, to plan on a device that counts.</param>
    /// <exception cref="InvalidOperationException">It keeps its weights elsewhere already.</exception>
    /// <exception cref="NotSupportedException">The device's memory is not the host's.</exception>
    public void Use(Device device, CollectiveQueue? queue)
    {
        if (device.Pager is not null)
            throw new InvalidOperationException($"Shard: {device.Name} keeps its weights elsewhere already, as with --resident.");
        if (device.Backend.IsAsynchronous)
            throw new NotSupportedException($"Shard: {device.Name} has memory of its own; weights are divided among CPUs only.");
        device.Pager = new Shards(device, this, queue);
    }

    internal static ShardPlan Of(int rank, int ranks, Func<Device, IDisposable> make, long leastBytes)
    {
        using var device = Device.CreateDry();
        var all = new Shards(device, new ShardPlan(0, [], []) { LeastBytes = leastBytes }, null);
        device.Pager = all;
        make(device).Dispose();
        var (owners, bytes) = Divide(all.Costs, ranks);
        return new ShardPlan(rank, owners, bytes) { LeastBytes = leastBytes };
    }

    /// <summary>The rank that has a weight, by the order in which they are made; without a plan all are of rank 0.</summary>
    internal int OwnerOf(int number) => owners.Length == 0 ? 0
        : number < owners.Length ? owners[number]
        : throw new InvalidOperationException($"Shard: the model has more weights than the {owners.Length} that were planned.");

    private static (int[] Owners, long[] Bytes) Divide(List<long> costs, int ranks)
    {
        var (owners, bytes) = (new int[costs.Count], new long[ranks]);
        foreach (int weight in Enumerable.Range(0, costs.Count).OrderByDescending(i => costs[i]))
        {
            owners[weight] = Array.IndexOf(bytes, bytes.Min());
            bytes[owners[weight]] += costs[weight];
        }

        return (owners, bytes);
    }
}
