namespace Mayfly;

public sealed partial class Sweep
{
    /// <summary>
    /// Adds <paramref name="wide"/>, summed over the axes along which input <paramref name="i"/> was repeated and divided by
    /// <paramref name="divisor"/>, to the gradient of that input. The one place where a broadcast gradient is summed back.
    /// </summary>
    public void SumTo(int i, Tensor wide, double divisor = 1)
    {
        var target = Target(i);
        var narrow = target.Value.Shape;
        Span<long> sizes = stackalloc long[Shape.MaxRank];
        int lead = wide.Rank - narrow.Rank;
        for (int axis = 0; axis < wide.Rank; axis++) sizes[axis] = axis < lead ? 1 : narrow[axis - lead];
        var aligned = Layout.RowMajor(new Shape(sizes[..wide.Rank])) with { Offset = target.Value.Layout.Offset };
        Backend.Fold(new Total(divisor), wide.Read("SumTo"), target.Value.Write("SumTo").With(aligned), target.Add);
    }
}

/// <summary>The sum of x, divided by a number.</summary>
/// <param name="divisor">The number.</param>
public readonly struct Total(Hyper divisor) : IFold<Total>
{
    /// <inheritdoc/>
    public V Map<V>(V x) where V : struct, ILane<V> => x;

    /// <inheritdoc/>
    public V Finish<V>(V total) where V : struct, ILane<V> => total / V.Of(divisor);
}
