using System.Numerics;
using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// Gradients that are being summed over all ranks. One of them on a device whose memory is the host's is summed where it lies; several, or
/// those of other devices, in a copy.
/// </summary>
internal sealed class GradientSum
{
    private readonly (Parameter Parameter, Tensor Gradient)[] gradients;
    private readonly byte[]? copy;
    private readonly CollectiveQueue.Started started;

    /// <summary>Starts it.</summary>
    /// <param name="gradients">What to sum.</param>
    /// <param name="owner">The one rank that gets the sum; null: all do.</param>
    /// <param name="queue">What does it.</param>
    public GradientSum((Parameter Parameter, Tensor Gradient)[] gradients, int? owner, CollectiveQueue queue)
    {
        this.gradients = gradients;
        var first = gradients[0].Gradient;
        if (gradients.Length > 1 || first.Device.Backend.IsAsynchronous) copy = Copied();
        var view = first.Read("Sum");
        bool isDry = first.Device.Backend.IsDry;
        started = queue.Start(ranks => { if (!isDry) Sum(ranks, view, owner); });
    }

    /// <summary>Waits for the sums.</summary>
    /// <returns>The parameters.</returns>
    /// <exception cref="RankLostException">Another rank has failed or died.</exception>
    public IEnumerable<Parameter> Take()
    {
        started.Wait();
        PutBack();
        return gradients.Select(g => g.Parameter);
    }

    /// <summary>Waits until nobody needs the memory.</summary>
    public void Leave() => started.WaitQuietly();

    private void Sum(ICollectives ranks, in View view, int? owner)
    {
        if (view.Type == DType.F64) Sum<double>(ranks, view, owner);
        else Sum<float>(ranks, view, owner);
    }

    private void Sum<T>(ICollectives ranks, in View view, int? owner) where T : unmanaged, INumber<T>
    {
        var values = copy is null ? InPlace<T>(view) : MemoryMarshal.Cast<byte, T>(copy.AsSpan());
        if (owner is { } root) ranks.Reduce(values, root);
        else ranks.AllReduce(values);
    }

    private static unsafe Span<T> InPlace<T>(in View view) => new(view.Host(), (int)view.Count);

    private byte[] Copied()
    {
        var all = new byte[gradients.Sum(g => g.Gradient.Bytes)];
        int at = 0;
        foreach (var (_, gradient) in gradients)
        {
            gradient.Device.Backend.Read(gradient.Read("Sum"), all.AsSpan(at, (int)gradient.Bytes));
            at += (int)gradient.Bytes;
        }

        return all;
    }

    private void PutBack()
    {
        if (copy is null) return;
        int at = 0;
        foreach (var (_, gradient) in gradients)
        {
            gradient.Device.Backend.Write(gradient.Write("Sum"), copy.AsSpan(at, (int)gradient.Bytes));
            at += (int)gradient.Bytes;
        }
    }
}
