namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>The running sums along an axis (negative: from the last), y[i] = x[0] + ... + x[i].</summary>
    /// <remarks>Backward: dx[i] = dy[i] + ... + dy[n - 1].</remarks>
    /// <exception cref="ArgumentException">There is no such axis, or x is not floating-point.</exception>
    public static Tensor CumulativeSum(this Tensor x, int axis)
    {
        var call = Op.Begin("CumulativeSum", x);
        call.CheckFloat(x);
        int i = Axes.Index(call, x.Shape, axis);
        if (i != x.Rank - 1) return x.Transpose(i, -1).CumulativeSum(-1).Transpose(i, -1);
        var y = call.New(x.Shape);
        call.Backend.Run(new Scan(call.Read(call.Dense(x)).Rows(), call.Write(y).Rows()));
        return call.Records ? call.Push(y, new CumulativeSumNode()) : y;
    }

    private sealed class CumulativeSumNode : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            sweep.Backend.Run(new Scan(Read(sweep.Dy).Rows(), Write(target).Rows(), Backwards: true, target.Add));
        }
    }
}
