using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>x to a fixed power. Integer exponents up to 64 are products, so negative bases and zero are exact; other exponents go through logarithms.</summary>
/// <param name="exponent">The power.</param>
public readonly struct Pow(float exponent) : IMap1<Pow>
{
    private const float MaxProduct = 64f;
    private readonly float exponent = exponent;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => Power(x, exponent);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Pow op, V x, V dy) where V : struct, ILane<V> =>
        op.exponent == 0f ? V.Of(0f) : dy * V.Of(op.exponent) * Power(x, op.exponent - 1f);

    private static V Power<V>(V x, float p) where V : struct, ILane<V>
    {
        bool whole = MathF.Round(p) == p;
        if (!whole) return V.Exp(V.Of(p) * V.Log(x));
        if (MathF.Abs(p) > MaxProduct) return Signed(x, p, V.Exp(V.Of(p) * V.Log(V.Abs(x))));
        var y = Product(x, (int)MathF.Abs(p));
        return p < 0f ? V.Of(1f) / y : y;
    }

    private static V Product<V>(V x, int n) where V : struct, ILane<V>
    {
        var y = V.Of(1f);
        for (; n > 0; n >>= 1)
        {
            if ((n & 1) != 0) y *= x;
            x *= x;
        }

        return y;
    }

    private static V Signed<V>(V x, float p, V size) where V : struct, ILane<V> =>
        p % 2f == 0f ? size : V.Where(x, V.Of(0f), -size, size);
}

/// <summary>The differentiable op.</summary>
public static class PowOp
{
    /// <summary>
    /// x to the power of <paramref name="exponent"/>, element-wise. A negative x with a fractional exponent gives NaN; 0 to the power of 0 is 1.
    /// </summary>
    public static Tensor Pow(this Tensor x, float exponent) => x.Map(new Pow(exponent), "Pow");
}
