namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>The cosines and sines of positions 0 to <paramref name="time"/> - 1: (time, headSize / 2, 2).</summary>
    /// <exception cref="ArgumentException">The head size is odd.</exception>
    public static Tensor RotaryTable(this Device device, int time, int headSize, double theta = 10000)
    {
        if (headSize % 2 != 0 || headSize < 2)
            throw new ArgumentException($"Rotary: head size {headSize} must be even, its elements turn in pairs.");
        if (device.Backend.IsDry) return Tensor.Empty(device, (time, headSize / 2, 2), device.Float, Use.Activation, "From");
        var table = new double[time * headSize];
        for (int t = 0; t < time; t++)
            for (int i = 0; i < headSize / 2; i++)
                (table[t * headSize + 2 * i + 1], table[t * headSize + 2 * i]) = Math.SinCos(t * Math.Pow(theta, -2.0 * i / headSize));
        return Tensor.From<double>(table, (time, headSize / 2, 2), device);
    }

    /// <summary>
    /// Rotary position embedding (Su et al. 2021): pair i of position t turns by the angle t / theta^(2i / D), x (B, T, H, D) by the first
    /// T rows of <paramref name="table"/>. Two conventions of pairs are in use: neighbours (2i, 2i + 1), as in the paper and llama2.c, and
    /// halves (i, i + D / 2), as in GPT-NeoX and Hugging Face.
    /// </summary>
    /// <remarks>Backward: dx = dy turned back.</remarks>
    /// <param name="x">Queries or keys.</param>
    /// <param name="table">From <see cref="RotaryTable"/>, or its slice from another first position on.</param>
    /// <param name="halves">False: pairs (2i, 2i + 1); true: pairs (i, i + D / 2).</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Rotary(this Tensor x, Tensor table, bool halves = false)
    {
        var call = Op.Begin("Rotary", x, table);
        call.CheckFloat(x, table);
        if (x.Rank != 4 || table.Rank != 3 || table.Shape[0] < x.Shape[1] || table.Shape[1] * 2 != x.Shape[3] || table.Shape[2] != 2)
            throw call.Error($"x {x.Shape} and table {table.Shape}: expected (B, T, H, D) and (T or more, D / 2, 2).");
        Tensor dense = call.Dense(x), angles = call.Dense(table);
        var y = call.New(x.Shape);
        call.Backend.Run(new Rotate(call.Read(dense), call.Read(angles), call.Write(y), halves));
        return call.Records ? call.Push(y, new RotaryNode(call.Save(angles), halves)) : y;
    }

    private sealed class RotaryNode(Saved table, bool halves) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var dy = Read(sweep.Dy);
            var target = sweep.TargetOverDy(0);
            sweep.Backend.Run(new Rotate(dy, Read(table), Write(target), halves, Inverse: true, target.Add));
        }
    }
}
