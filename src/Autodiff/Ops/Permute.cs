namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>The axes in another order, each named once (negative ones count from the last); a view.</summary>
    /// <remarks>Backward: dx = dy with the axes in their old order, a view.</remarks>
    /// <exception cref="ArgumentException">An axis is missing, named twice, or does not exist.</exception>
    public static Tensor Permute(this Tensor x, params ReadOnlySpan<int> axes)
    {
        var call = Op.Begin("Permute", x);
        _ = Axes.Reduced(call, x.Shape, axes);
        if (axes.Length != x.Rank)
            throw call.Error($"{axes.Length} axes for shape {x.Shape}; name all {x.Rank} of them, in their new order.");
        var order = new int[axes.Length];
        for (int i = 0; i < order.Length; i++) order[i] = Axes.Index(call, x.Shape, axes[i]);
        var y = x.ViewAs(Permuted(x.Layout, order), call.Name);
        return call.Records ? call.Push(y, new PermuteNode(order)) : y;
    }

    private static Layout Permuted(in Layout layout, ReadOnlySpan<int> order)
    {
        Shape shape = layout.Shape, strides = layout.Strides;
        for (int i = 0; i < order.Length; i++)
        {
            shape = shape.With(i, layout.Shape[order[i]]);
            strides = strides.With(i, layout.Strides[order[i]]);
        }

        return new Layout(shape, strides, layout.Offset);
    }

    private sealed class PermuteNode(int[] order) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            Span<int> back = stackalloc int[order.Length];
            for (int i = 0; i < order.Length; i++) back[order[i]] = i;
            using var turned = sweep.Dy.UnownedView(Permuted(sweep.Dy.Layout, back));
            sweep.GiveDy(0, turned);
        }
    }
}
