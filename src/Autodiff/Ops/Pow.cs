using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// x to a fixed power. Integer exponents up to 64 are products, so negative bases and zero are exact; other exponents go through
/// logarithms.
/// </summary>
public readonly struct Pow : IMap1<Pow>
{
    private const int MaxProduct = 64;
    private readonly float exponent;
    private readonly int whole, odd, oddBelow;

    /// <summary>x to the power of <paramref name="exponent"/>.</summary>
    public Pow(float exponent)
    {
        this.exponent = exponent;
        whole = MathF.Round(exponent) == exponent ? 1 : 0;
        odd = exponent % 2f == 0f ? 0 : 1;
        oddBelow = (exponent - 1f) % 2f == 0f ? 0 : 1;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => Power(x, exponent, whole, odd);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Pow formula, V x, V dy) where V : struct, ILane<V> =>
        formula.exponent == 0f ? V.Of(0f) : dy * V.Of(formula.exponent) * Power(x, formula.exponent - 1f, formula.whole, formula.oddBelow);

    private static V Power<V>(V x, float p, int whole, int odd) where V : struct, ILane<V>
    {
        if (whole == 0) return V.Exp(V.Of(p) * V.Log(x));
        float size = p < 0f ? -p : p;
        if (size > MaxProduct) return Signed(x, V.Exp(V.Of(p) * V.Log(V.Abs(x))), odd);
        var y = Product(x, (int)size);
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

    private static V Signed<V>(V x, V size, int odd) where V : struct, ILane<V> => odd == 0 ? size : V.Where(x, V.Of(0f), -size, size);
}

public static partial class TensorOps
{
    /// <summary>
    /// x to the power of <paramref name="exponent"/>, element-wise. A negative x with a fractional exponent gives NaN; 0 to the power of 0
    /// is 1.
    /// </summary>
    /// <remarks>Backward: dx = dy exponent x^(exponent - 1).</remarks>
    public static Tensor Pow(this Tensor x, float exponent) => x.Map(new Pow(exponent));
}
