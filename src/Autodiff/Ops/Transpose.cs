namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>Swaps two axes (negative ones count from the last); a view.</summary>
    /// <remarks>Backward: dx = dy with the axes swapped back, a view.</remarks>
    /// <exception cref="ArgumentException">There is no such axis.</exception>
    public static Tensor Transpose(this Tensor x, int a = -2, int b = -1)
    {
        var call = Op.Begin("Transpose", x);
        int i = Axes.Index(call, x.Shape, a), j = Axes.Index(call, x.Shape, b);
        var y = x.ViewAs(x.Layout.Transpose(i, j), call.Name);
        return call.Records ? call.Push(y, new TransposeNode(i, j)) : y;
    }

    private sealed class TransposeNode(int a, int b) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            using var turned = sweep.Dy.UnownedView(sweep.Dy.Layout.Transpose(a, b));
            sweep.GiveDy(0, turned);
        }
    }
}
