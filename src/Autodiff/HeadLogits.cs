namespace Mayfly;

/// <summary>
/// The largest attention logit of each query head since it was last asked: scale q . k over the batch, the queries and the keys that each
/// sees, of the calls that a tape records. It stays on the device until it is read.
/// </summary>
public sealed class HeadLogits : IDisposable
{
    private const string Name = "HeadLogits";
    private const double None = -1e30;
    private readonly Tensor largest; // (1, H, 1)

    /// <summary>For heads on a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="heads">H, the number of query heads.</param>
    /// <param name="kvHeads">G, the number of key heads, a divisor of H.</param>
    /// <param name="headSize">D, the size of a head.</param>
    public HeadLogits(Device device, int heads, int kvHeads, int headSize)
    {
        (Heads, KvHeads, HeadSize) = (heads, kvHeads, headSize);
        largest = Tensor.Unowned(device, (1, heads, 1), device.Float, Use.Scratch, Name);
        largest.Fill(None);
    }

    /// <summary>The number of query heads.</summary>
    public int Heads { get; }

    /// <summary>The number of key heads; each serves Heads / KvHeads query heads, one after the other.</summary>
    public int KvHeads { get; }

    /// <summary>The rows of a head.</summary>
    public int HeadSize { get; }

    /// <summary>What makes the queries: parameters, and the row of each with which head 0 begins.</summary>
    public IReadOnlyList<(Parameter Parameter, long First)> Queries { get; init; } = [];

    /// <summary>What makes the keys: parameters, and the row of each with which head 0 begins.</summary>
    public IReadOnlyList<(Parameter Parameter, long First)> Keys { get; init; } = [];

    /// <summary>The largest logit of each query head (H), -1e30 where there was none; then forgets them. Waits for the device.</summary>
    public double[] Take()
    {
        var values = largest.ToArray<double>();
        Forget();
        return values;
    }

    /// <summary>Forgets what was noted.</summary>
    public void Forget() => largest.Fill(None);

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => largest.Dispose();

    /// <summary>Takes in the largest logit of each query (B, H, T).</summary>
    internal void Note(Tensor top)
    {
        var backend = top.Device.Backend;
        using var found = Tensor.Unowned(top.Device, largest.Shape, top.Type, Use.Scratch, Name);
        backend.Fold(new Largest(), top.Read(Name), found.Write(Name), add: false);
        var y = largest.Write(Name);
        backend.Map2(new Maximum(), y, found.Read(Name), y);
    }
}
