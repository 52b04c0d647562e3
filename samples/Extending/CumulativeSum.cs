using Mayfly;

namespace Extending;

/// <summary>Running totals: an op that fits no kernel, computed on the host.</summary>
public static partial class MyOps
{
    /// <summary>y[i] = x[0] + ... + x[i] over all elements in row-major order.</summary>
    public static Tensor CumulativeSum(this Tensor x)
    {
        var call = Op.Begin("CumulativeSum", x);
        call.CheckFloat(x);
        double[] values = x.ToArray<double>();
        for (int i = 1; i < values.Length; i++) values[i] += values[i - 1];
        var y = call.New(x.Shape);
        y.CopyFrom<double>(values);
        return call.Records ? call.Push(y, new CumulativeSumNode()) : y;
    }

    private sealed class CumulativeSumNode : Node
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
