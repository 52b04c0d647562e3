using MathNet.Numerics;

namespace Mayfly.Tests;

/// <summary>The elementary functions of every vector width against double precision.</summary>
public unsafe class LaneMathTests
{
    public enum Function
    {
        Exp,
        Log,
        Tanh,
        Erf,
        Sin,
        Cos,
    }

    [Theory]
    [InlineData(Function.Exp, -87.3f, 88.7f, 1.2e-7)]
    [InlineData(Function.Exp, -1f, 1f, 1.2e-7)]
    [InlineData(Function.Log, 1.2e-38f, 1e-30f, 2e-7)]
    [InlineData(Function.Log, 1e-3f, 0.9f, 2e-7)]
    [InlineData(Function.Log, 0.9f, 1.1f, 2e-7)]
    [InlineData(Function.Log, 1.1f, 1e6f, 2e-7)]
    [InlineData(Function.Log, 1e6f, 3.4e38f, 2e-7)]
    [InlineData(Function.Tanh, -1e-3f, 1e-3f, 4e-7)]
    [InlineData(Function.Tanh, -1f, 1f, 4e-7)]
    [InlineData(Function.Tanh, -20f, 20f, 4e-7)]
    [InlineData(Function.Erf, -1e-3f, 1e-3f, 4e-7)]
    [InlineData(Function.Erf, -1f, 1f, 4e-7)]
    [InlineData(Function.Erf, -6f, 6f, 4e-7)]
    [InlineData(Function.Sin, -1e-3f, 1e-3f, 1.5e-7)]
    [InlineData(Function.Sin, -8f, 8f, 1.5e-7)]
    [InlineData(Function.Sin, 3.1415f, 3.1417f, 1.5e-7)]
    [InlineData(Function.Sin, -99000f, -98000f, 1.5e-7)]
    [InlineData(Function.Sin, 1e5f, 1e9f, 1.5e-7)]
    [InlineData(Function.Cos, -8f, 8f, 1.5e-7)]
    [InlineData(Function.Cos, 1.5707f, 1.5709f, 1.5e-7)]
    [InlineData(Function.Cos, 98000f, 99000f, 1.5e-7)]
    [InlineData(Function.Cos, -1e9f, -1e5f, 1.5e-7)]
    public void Stays_within_its_relative_error(Function function, float low, float high, double bound)
    {
        double worst = 0;
        for (int i = 0; i <= 40_000; i++)
        {
            float x = (float)(low + (high - (double)low) * i / 40_000), y = Run<F1>(function, x);
            double exact = Exact(function, x);
            worst = Math.Max(worst, exact == 0 ? Math.Abs(y) : Math.Abs(y / exact - 1));
        }

        Assert.InRange(worst, 0, bound);
    }

    [Fact]
    public void Logarithm_is_right_for_each_subnormal_binade()
    {
        for (int shift = 0; shift < 23; shift++)
        {
            float x = BitConverter.Int32BitsToSingle((1 << shift) + (1 << shift) / 3);
            Assert.Equal(1, Run<F1>(Function.Log, x) / Math.Log(x), 2e-7);
        }
    }

    [Fact]
    public void Exponential_underflows_gradually()
    {
        for (float x = -104.5f; x < -87.3f; x += 0.01f) Assert.Equal(Math.Exp(x), Run<F1>(Function.Exp, x), 1.5e-45);
    }

    [Theory]
    [InlineData(Function.Exp, float.NaN, float.NaN)]
    [InlineData(Function.Exp, float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(Function.Exp, float.NegativeInfinity, 0f)]
    [InlineData(Function.Exp, 88.73f, float.PositiveInfinity)]
    [InlineData(Function.Exp, 1e30f, float.PositiveInfinity)]
    [InlineData(Function.Exp, -104f, 0f)]
    [InlineData(Function.Exp, -1e30f, 0f)]
    [InlineData(Function.Exp, 0f, 1f)]
    [InlineData(Function.Log, float.NaN, float.NaN)]
    [InlineData(Function.Log, float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(Function.Log, float.NegativeInfinity, float.NaN)]
    [InlineData(Function.Log, 0f, float.NegativeInfinity)]
    [InlineData(Function.Log, -1f, float.NaN)]
    [InlineData(Function.Log, -1e-42f, float.NaN)]
    [InlineData(Function.Log, 1f, 0f)]
    [InlineData(Function.Tanh, float.NaN, float.NaN)]
    [InlineData(Function.Tanh, float.PositiveInfinity, 1f)]
    [InlineData(Function.Tanh, float.NegativeInfinity, -1f)]
    [InlineData(Function.Tanh, 0f, 0f)]
    [InlineData(Function.Tanh, 1e-40f, 1e-40f)]
    [InlineData(Function.Erf, float.NaN, float.NaN)]
    [InlineData(Function.Erf, float.PositiveInfinity, 1f)]
    [InlineData(Function.Erf, float.NegativeInfinity, -1f)]
    [InlineData(Function.Erf, 0f, 0f)]
    [InlineData(Function.Sin, float.NaN, float.NaN)]
    [InlineData(Function.Sin, float.PositiveInfinity, float.NaN)]
    [InlineData(Function.Sin, 0f, 0f)]
    [InlineData(Function.Sin, 1e-40f, 1e-40f)]
    [InlineData(Function.Cos, float.NaN, float.NaN)]
    [InlineData(Function.Cos, float.NegativeInfinity, float.NaN)]
    [InlineData(Function.Cos, 0f, 1f)]
    public void Has_its_special_values_in_every_width(Function function, float x, float expected)
    {
        foreach (float y in new[] { Run<F1>(function, x), Run<F4>(function, x), Run<F8>(function, x), Run<F16>(function, x) })
            if (float.IsNaN(expected)) Assert.True(float.IsNaN(y), $"{function}({x}) = {y}");
            else Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(y));
    }

    [Theory]
    [InlineData(Function.Log, float.NegativeInfinity)]
    [InlineData(Function.Tanh, -0f)]
    [InlineData(Function.Erf, -0f)]
    [InlineData(Function.Sin, -0f)]
    public void Takes_a_negative_zero_in_every_width(Function function, float expected) =>
        Has_its_special_values_in_every_width(function, -0f, expected);

    [Theory]
    [InlineData(Function.Exp)]
    [InlineData(Function.Log)]
    [InlineData(Function.Tanh)]
    [InlineData(Function.Erf)]
    [InlineData(Function.Sin)]
    [InlineData(Function.Cos)]
    public void Gives_the_same_bits_in_every_width(Function function)
    {
        for (uint bits = 0; bits < 0xFFFE0000u; bits += 104_729)
        {
            float x = BitConverter.UInt32BitsToSingle(bits), one = Run<F1>(function, x);
            if (float.IsNaN(x)) continue;
            Same(function, x, one, Run<F4>(function, x));
            Same(function, x, one, Run<F8>(function, x));
            Same(function, x, one, Run<F16>(function, x));
        }
    }

    private static void Same(Function function, float x, float a, float b)
    {
        if (float.IsNaN(a) && float.IsNaN(b)) return;
        if (BitConverter.SingleToInt32Bits(a) != BitConverter.SingleToInt32Bits(b)) Assert.Fail($"{function}({x:R}) = {a:R} and {b:R}");
    }

    private static float Run<V>(Function function, float x) where V : struct, ISimd<V>
    {
        float* lane = stackalloc float[16];
        var a = V.Broadcast(&x);
        V.Store(lane, function switch
        {
            Function.Exp => V.Exp(a),
            Function.Log => V.Log(a),
            Function.Tanh => V.Tanh(a),
            Function.Erf => V.Erf(a),
            Function.Sin => V.Sin(a),
            _ => V.Cos(a),
        });
        return lane[V.Count - 1];
    }

    private static double Exact(Function function, double x) => function switch
    {
        Function.Exp => Math.Exp(x),
        Function.Log => Math.Log(x),
        Function.Tanh => Math.Tanh(x),
        Function.Erf => SpecialFunctions.Erf(x),
        Function.Sin => Math.Sin(x),
        _ => Math.Cos(x),
    };
}
