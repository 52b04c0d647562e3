namespace Mayfly.Tests;

/// <summary>Masked attention, and the blocks that take a mask or a memory.</summary>
public sealed class MaskedAttentionTests : IDisposable
{
    private readonly Device device = Device.CreateReference();

    public void Dispose() => device.Dispose();

    /// <summary>A program of its own in float64: plain loops over y = softmax(q k / sqrt(D) + bias) v and its gradients.</summary>
    [Theory]
    [InlineData(128)]
    [InlineData(512)]
    public void Gradients_are_those_of_a_program_of_loops(int bits)
    {
        const int T = 5, S = 9, D = 4, Window = 4, Length = 7;
        using var cpu = Device.CreateCpu(1, bits);
        using var tape = Tape.Record(cpu);
        Tensor q = Uniform(cpu, 1, T), k = Uniform(cpu, 2, S), v = Uniform(cpu, 3, S), dy = Uniform(cpu, 4, T);
        Tensor bias = Tensor.Uniform((T, S), -1, 1, new RandomKey(5, 5), cpu);
        foreach (var x in (Tensor[])[q, k, v]) tape.Watch(x);
        var mask = new AttentionMask { Window = Window, Lengths = Tensor.From<int>([Length], 1, cpu), Bias = bias };
        tape.Backward((q.Attention(k, v, mask) * dy).Sum());
        var (gq, gk, gv) = Loops(q.ToArray<double>(), k.ToArray<double>(), v.ToArray<double>(), dy.ToArray<double>(), (t, s) =>
            s < Length && Math.Abs(t + S - T - s) < Window ? bias.ToArray<double>()[t * S + s] : double.NegativeInfinity);
        foreach (var (x, right) in ((Tensor, double[])[])[(q, gq), (k, gk), (v, gv)])
            Closeness.OfScale(1, 2e-6, tape.GradientOf(x)!.ToArray<double>(), right, "gradient");

        static Tensor Uniform(Device on, ulong seed, int time) => Tensor.Uniform((1, time, 1, D), -1, 1, new RandomKey(seed, 1), on);
    }

    private static (double[] Q, double[] K, double[] V) Loops(double[] q, double[] k, double[] v, double[] dy, Func<int, int, double> bias)
    {
        const int D = 4;
        int queries = q.Length / D, keys = k.Length / D;
        double[] gq = new double[q.Length], gk = new double[k.Length], gv = new double[v.Length];
        for (int t = 0; t < queries; t++)
        {
            double[] p = [.. Enumerable.Range(0, keys).Select(s => Math.Exp(Dot(q, t, k, s) / Math.Sqrt(D) + bias(t, s)))];
            double sum = p.Sum(), mean = Enumerable.Range(0, keys).Sum(s => p[s] / sum * Dot(dy, t, v, s));
            for (int s = 0; s < keys; s++)
                for (int d = 0; d < D; d++)
                {
                    double ds = p[s] / sum * (Dot(dy, t, v, s) - mean) / Math.Sqrt(D);
                    gq[t * D + d] += ds * k[s * D + d];
                    gk[s * D + d] += ds * q[t * D + d];
                    gv[s * D + d] += p[s] / sum * dy[t * D + d];
                }
        }

        return (gq, gk, gv);

        static double Dot(double[] a, int i, double[] b, int j) => Enumerable.Range(0, D).Sum(d => a[i * D + d] * b[j * D + d]);
    }

    /// <summary>A padded row gives what the row gives without padding, and its padding gets no gradient.</summary>
    [Fact]
    public void Padding_changes_nothing()
    {
        using var block = new EncoderBlock(new ParameterSource(device, 5), 8, 2);
        using var tape = Tape.Record(device);
        var x = Tensor.Uniform((2, 6, 8), -1, 1, new RandomKey(1, 1), device);
        tape.Watch(x);
        var y = block.Call(x, new AttentionMask { Lengths = Tensor.From<int>([6, 4], 2, device) });
        var alone = block.Call(x.Slice(0, 1, 1).Slice(1, 0, 4));
        Closeness.OfScale(1, 1e-14, y.Slice(0, 1, 1).Slice(1, 0, 4).ToArray<double>(), alone.ToArray<double>(), "row of 4");
        tape.Backward(y.Slice(0, 1, 1).Slice(1, 0, 4).Sum());
        Assert.All(tape.GradientOf(x)!.Slice(0, 1, 1).Slice(1, 4, 2).ToArray(), gradient => Assert.Equal(0f, gradient));
    }

    /// <summary>A query that sees no key has zeros for a result, and nothing flows back from it.</summary>
    [Fact]
    public void A_query_that_sees_nothing_gives_zeros()
    {
        foreach (var on in (Device[])[device, Device.Cpu])
        {
            using var tape = Tape.Record(on);
            var x = Tensor.Uniform((1, 3, 2, 4), -1, 1, new RandomKey(1, 1), on);
            tape.Watch(x);
            var sees = Tensor.From<double>([1, 0, 1, 0, 0, 0, 1, 1, 1], (3, 3), Device.Cpu).To(on);
            var y = x.Attention(x, x, new AttentionMask { Sees = sees });
            Assert.All(y.Slice(1, 1, 1).ToArray(), value => Assert.Equal(0f, value));
            tape.Backward(y.Slice(1, 1, 1).Sum());
            Assert.All(tape.GradientOf(x)!.ToArray(), value => Assert.Equal(0f, value));
        }
    }

    [Fact]
    public void A_block_with_a_memory_has_right_gradients()
    {
        using var block = new CrossAttentionBlock(new ParameterSource(device, 5), 8, 2, memoryWidth: 6, hidden: 4);
        using var x = Tensor.Uniform((2, 3, 8), -1, 1, new RandomKey(1, 1), device);
        using var memory = Tensor.Uniform((2, 5, 6), -1, 1, new RandomKey(1, 2), device);
        using var lengths = Tensor.From<int>([5, 2], 2, device);
        var mask = new AttentionMask { Lengths = lengths };
        GradCheck.Run(xs => block.Call(xs[0], xs[1], mask), [x, memory]);
        Assert.Contains("not computed from one tensor", Assert.Throws<NotSupportedException>(() => block.Call(x)).Message);
    }

    [Fact]
    public void A_mask_that_does_not_fit_is_named()
    {
        var x = Tensor.Ones((2, 3, 9), device);
        Check(new AttentionMask { Lengths = Tensor.From<int>([3], 1, device) }, "lengths (1) of I32: lengths are I32 (B), here (2)");
        Check(new AttentionMask { Sees = Tensor.Ones((2, 3), device) }, "sees (2, 3) does not broadcast to the scores (B, H, T, S)");
        Check(new AttentionMask { Bias = Tensor.Ones((3, 1), device) }, "bias (3, 1) does not broadcast");
        Check(new AttentionMask { Window = -1 }, "a window of -1 positions");

        void Check(AttentionMask mask, string message) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => x.SelfAttention(1, 1, mask)).Message);
    }
}
