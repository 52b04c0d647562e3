namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// The same elements in row-major order under another shape; one size may be -1 and is computed. A view where the strides allow it,
    /// else a copy.
    /// </summary>
    /// <remarks>Backward: dx = dy in the shape of x, a view where the strides allow it.</remarks>
    /// <exception cref="ArgumentException">The counts differ, or more than one size is -1.</exception>
    public static Tensor Reshape(this Tensor x, Shape shape)
    {
        var call = Op.Begin("Reshape", x);
        var to = CompleteShape(call, x.Shape, shape);
        var y = x.Layout.TryReshape(to) is { } layout ? x.ViewAs(layout, call.Name) : Reshaped(call, x, to);
        return call.Records ? call.Push(y, new ReshapeNode(x.Shape)) : y;
    }

    private static Tensor Reshaped(Op call, Tensor x, Shape to)
    {
        var y = call.New(to, call.CopyType(x));
        call.Backend.Copy(call.Read(x), call.Write(y).With(Layout.RowMajor(x.Shape)));
        return y;
    }

    private static Shape CompleteShape(Op call, Shape from, Shape shape)
    {
        int open = -1;
        long known = 1;
        for (int i = 0; i < shape.Rank; i++)
        {
            if (shape[i] != -1) known = checked(known * shape[i]);
            else if (open < 0) open = i;
            else throw call.Error($"{from} to {shape}: only one size may be -1.");
        }

        if (open >= 0 && known > 0 && from.Count % known == 0) return shape.With(open, from.Count / known);
        if (open >= 0 || known != from.Count || IsNegative(shape))
            throw call.Error($"{from} of {from.Count} elements does not fit {shape}; the counts must agree.");
        return shape;
    }

    private static bool IsNegative(Shape shape)
    {
        for (int i = 0; i < shape.Rank; i++)
            if (shape[i] < 0) return true;
        return false;
    }

    private sealed class ReshapeNode(Shape shape) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            if (sweep.Dy.Layout.TryReshape(shape) is { } layout)
            {
                using var view = sweep.Dy.UnownedView(layout);
                sweep.GiveDy(0, view);
                return;
            }

            var target = sweep.Target(0);
            var rows = Layout.RowMajor(sweep.Dy.Shape) with { Offset = target.Value.Layout.Offset };
            sweep.Backend.Copy(Read(sweep.Dy), Write(target).With(rows), target.Add);
        }
    }
}
