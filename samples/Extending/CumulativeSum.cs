using Mayfly;

namespace Extending;

/// <summary>Running totals: an op that fits no kernel, computed on the host.</summary>
public static class CumulativeSumOp
{
    /// <summary>y[i] = x[0] + ... + x[i] over all elements in row-major order.</summary>
    public static Tensor CumulativeSum(this Tensor x)
    {
        var op = Op.Begin("CumulativeSum", x);
        op.CheckFloat(x);
        double[] values = x.ToArray<double>();
        for (int i = 1; i < values.Length; i++) values[i] += values[i - 1];
        var y = op.New(x.Shape);
        y.CopyFrom<double>(values);
        return op.Records ? op.Push(y, new CumulativeSumNode()) : y;
    }

    private sealed class CumulativeSumNode : StatelessNode
    {
        protected override void Backward(Sweep sweep)
        {
            double[] values = sweep.Dy.ToArray<double>();
            for (int i = values.Length - 2; i >= 0; i--) values[i] += values[i + 1];
            using var dx = sweep.Scratch(sweep.Dy.Shape);
            dx.CopyFrom<double>(values);
            sweep.GiveDy(0, dx);
        }
    }
}
