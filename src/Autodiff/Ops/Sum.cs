namespace Mayfly;

/// <summary>Sums and means over axes. Backward repeats the upstream gradient by strides of zero, without copying.</summary>
public static class SumOp
{
    /// <summary>The sum of all elements, of shape ().</summary>
    public static Tensor Sum(this Tensor x) => x.Total("Sum", 1f, AllAxes(x), keepAxes: false);

    /// <summary>The sum over the given axes (negative ones count from the last).</summary>
    /// <exception cref="ArgumentException">An axis does not exist or is named twice.</exception>
    public static Tensor Sum(this Tensor x, ReadOnlySpan<int> axes, bool keepAxes = false) => x.Total("Sum", 1f, axes, keepAxes);

    /// <summary>The mean of all elements, of shape ().</summary>
    public static Tensor Mean(this Tensor x) => x.Mean(AllAxes(x));

    /// <summary>The mean over the given axes (negative ones count from the last).</summary>
    /// <exception cref="ArgumentException">An axis does not exist, is named twice, or has no elements.</exception>
    public static Tensor Mean(this Tensor x, ReadOnlySpan<int> axes, bool keepAxes = false)
    {
        long count = x.Count / Math.Max(1, Axes.Reduced("Mean", x.Shape, axes).Count);
        if (count == 0) throw new ArgumentException($"Mean: shape {x.Shape} has no elements.");
        return x.Total("Mean", count, axes, keepAxes);
    }

    internal static ReadOnlySpan<int> AllAxes(Tensor x) => new int[] { 0, 1, 2, 3, 4, 5 }.AsSpan(0, x.Rank);

    private static Tensor Total(this Tensor x, string name, float divisor, ReadOnlySpan<int> axes, bool keepAxes)
    {
        var call = Op.Begin(name, x);
        call.CheckFloat(x);
        var reduced = Axes.Reduced(name, x.Shape, axes);
        var y = call.New(keepAxes ? reduced : Axes.Without(x.Shape, axes));
        call.Backend.Fold(new Total(divisor), x.Read(name), y.Write(name).With(Layout.RowMajor(reduced)), add: false);
        return call.Records ? call.Push(y, new SumNode(x.Shape, reduced, divisor)) : y;
    }

    private sealed class SumNode(Shape shape, Shape reduced, float divisor) : StatelessNode
    {
        protected internal override void Backward(Sweep sweep)
        {
            var wide = (Layout.RowMajor(reduced) with { Offset = sweep.Dy.Layout.Offset }).TryBroadcast(shape)!.Value;
            if (divisor == 1f)
            {
                using var repeated = sweep.Dy.UnownedView(wide);
                sweep.GiveDy(0, repeated);
                return;
            }

            var target = sweep.Target(0);
            var dy = sweep.Dy.Read(Op).With(wide);
            sweep.Backend.MapBack(new DivideBy(divisor), dy, dy, target.View(Op), target.Add);
        }
    }
}

/// <summary>Arithmetic on lists of axes.</summary>
internal static class Axes
{
    /// <summary>The axis counted from the first; a negative one counts from the last.</summary>
    public static int Index(string op, Shape shape, int axis)
    {
        int i = axis < 0 ? axis + shape.Rank : axis;
        return i >= 0 && i < shape.Rank ? i : throw new ArgumentException($"{op}: there is no axis {axis} in shape {shape}.");
    }

    /// <summary>The shape with each of <paramref name="axes"/> set to 1.</summary>
    public static Shape Reduced(string op, Shape shape, ReadOnlySpan<int> axes)
    {
        int seen = 0;
        var reduced = shape;
        foreach (int axis in axes)
        {
            int i = Index(op, shape, axis);
            if ((seen & 1 << i) != 0) throw new ArgumentException($"{op}: axis {axis} of shape {shape} is named twice.");
            seen |= 1 << i;
            reduced = reduced.With(i, 1);
        }

        return reduced;
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
