namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>The sum of all elements, of shape ().</summary>
    /// <remarks>Backward: dx = dy repeated, by strides of zero, without a copy.</remarks>
    public static Tensor Sum(this Tensor x) => x.SumOver("Sum", Axes.All(x), keepAxes: false, isMean: false);

    /// <summary>The sum over the given axes (negative ones count from the last).</summary>
    /// <remarks>Backward: dx = dy repeated, by strides of zero, without a copy.</remarks>
    /// <exception cref="ArgumentException">An axis does not exist or is named twice.</exception>
    public static Tensor Sum(this Tensor x, ReadOnlySpan<int> axes, bool keepAxes = false) =>
        x.SumOver("Sum", axes, keepAxes, isMean: false);

    /// <summary>The mean of all elements, of shape ().</summary>
    /// <remarks>Backward: dx = dy / count, repeated.</remarks>
    public static Tensor Mean(this Tensor x) => x.SumOver("Mean", Axes.All(x), keepAxes: false, isMean: true);

    /// <summary>The mean over the given axes (negative ones count from the last).</summary>
    /// <remarks>Backward: dx = dy / count, repeated.</remarks>
    /// <exception cref="ArgumentException">An axis does not exist, is named twice, or has no elements.</exception>
    public static Tensor Mean(this Tensor x, ReadOnlySpan<int> axes, bool keepAxes = false) =>
        x.SumOver("Mean", axes, keepAxes, isMean: true);

    private static Tensor SumOver(this Tensor x, string name, ReadOnlySpan<int> axes, bool keepAxes, bool isMean)
    {
        var call = Op.Begin(name, x);
        call.CheckFloat(x);
        var reduced = Axes.Reduced(call, x.Shape, axes);
        long divisor = isMean ? x.Count / Math.Max(1, reduced.Count) : 1;
        if (divisor == 0) throw call.Error($"shape {x.Shape} has no elements.");
        var y = call.New(keepAxes ? reduced : Axes.Without(x.Shape, axes));
        call.Backend.Fold(new Total(divisor), call.Read(x), call.Write(y).With(Layout.RowMajor(reduced)), add: false);
        return call.Records ? call.Push(y, new SumNode(x.Shape, reduced, divisor)) : y;
    }

    private sealed class SumNode(Shape shape, Shape reduced, double divisor) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var wide = (Layout.RowMajor(reduced) with { Offset = sweep.Dy.Layout.Offset }).TryBroadcast(shape)!.Value;
            if (divisor == 1)
            {
                using var repeated = sweep.Dy.UnownedView(wide);
                sweep.GiveDy(0, repeated);
                return;
            }

            var target = sweep.Target(0);
            var dy = Read(sweep.Dy).With(wide);
            sweep.Backend.MapBack(new DivideBy(divisor), dy, dy, Write(target), target.Add);
        }
    }
}

/// <summary>Arithmetic on lists of axes.</summary>
internal static class Axes
{
    private static ReadOnlySpan<int> Numbers => [0, 1, 2, 3, 4, 5];

    /// <summary>The axes of a tensor.</summary>
    public static ReadOnlySpan<int> All(Tensor x) => Numbers[..x.Rank];

    /// <summary>The axis counted from the first; a negative one counts from the last.</summary>
    public static int Index(Op call, Shape shape, int axis)
    {
        int i = axis < 0 ? axis + shape.Rank : axis;
        return i >= 0 && i < shape.Rank ? i : throw call.Error($"there is no axis {axis} in shape {shape}.");
    }

    /// <summary>The shape with each of <paramref name="axes"/> set to 1.</summary>
    public static Shape Reduced(Op call, Shape shape, ReadOnlySpan<int> axes)
    {
        int seen = 0;
        var reduced = shape;
        foreach (int axis in axes)
        {
            int i = Index(call, shape, axis);
            if ((seen & 1 << i) != 0) throw call.Error($"axis {axis} of shape {shape} is named twice.");
            seen |= 1 << i;
            reduced = reduced.With(i, 1);
        }

        return reduced;
    }

    /// <summary>The shape with one more axis at a place.</summary>
    public static Shape Inserted(Shape shape, int place, long size)
    {
        var longer = shape.Take(place).Append(size);
        for (int i = place; i < shape.Rank; i++) longer = longer.Append(shape[i]);
        return longer;
    }

    /// <summary>The shape without the given axes.</summary>
    public static Shape Without(Shape shape, ReadOnlySpan<int> axes)
    {
        Span<long> left = stackalloc long[Shape.MaxRank];
        int rank = 0;
        for (int i = 0; i < shape.Rank; i++)
            if (!axes.Contains(i) && !axes.Contains(i - shape.Rank)) left[rank++] = shape[i];
        return new Shape(left[..rank]);
    }
}
