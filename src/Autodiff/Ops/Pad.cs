namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// The tensor with <paramref name="before"/> more elements in front and <paramref name="after"/> behind along an axis (negative: from
    /// the last), all of one value.
    /// </summary>
    /// <remarks>Backward: dx = the part of dy where x was, a view.</remarks>
    /// <exception cref="ArgumentException">There is no such axis, a count is negative, or x is not floating-point.</exception>
    public static Tensor Pad(this Tensor x, int axis, long before, long after, double value = 0)
    {
        var call = Op.Begin("Pad", x);
        call.CheckFloat(x);
        int i = Axes.Index(call, x.Shape, axis);
        if (before < 0 || after < 0) throw call.Error($"{before} elements in front and {after} behind; neither may be negative.");
        long length = x.Shape[i];
        var y = call.New(x.Shape.With(i, before + length + after));
        var whole = call.Write(y);
        call.Backend.Fill(whole, value);
        call.Backend.Copy(call.Read(x), whole.With(whole.Layout.Slice(i, before, length)));
        return call.Records ? call.Push(y, new PadNode(i, before, length)) : y;
    }

    private sealed class PadNode(int axis, long before, long length) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            using var part = sweep.Dy.UnownedView(sweep.Dy.Layout.Slice(axis, before, length));
            sweep.GiveDy(0, part);
        }
    }
}
