using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mayfly;

/// <summary>
/// The function c x^p of fixed p and c, for formulas. Its special values are those of IEEE 754's pow: x^0 is 1, and where x is not above
/// zero the sign is that of an odd whole p; a fraction of a finite negative number is NaN.
/// </summary>
public readonly struct Power
{
    private readonly Form form;
    private readonly Hyper exponent, factor;

    /// <summary>factor x^exponent.</summary>
    public Power(double exponent, double factor = 1)
    {
        (this.exponent, this.factor) = (exponent, factor);
        ExponentRest = double.IsFinite(exponent) ? (float)(exponent - (float)exponent) : 0f;
        form = FormOf(exponent, factor);
    }

    private enum Form
    {
        Constant,
        Proportional,
        Square,
        Cube,
        Inverse,
        Root,
        Even,
        Odd,
        Fraction,
        Infinite,
        NotANumber,
    }

    /// <summary>Its derivative, p c x^(p - 1).</summary>
    public Power Derivative => new(exponent.Double - 1, exponent.Double * factor.Double);

    internal double Exponent => exponent.Double;

    internal double Factor => factor.Double;

    internal float ExponentSingle => exponent.Single;

    /// <summary>What the exponent's single precision lacks.</summary>
    internal float ExponentRest { get; }

    internal float FactorSingle => factor.Single;

    /// <summary>The function at x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Of<V>(V x) where V : struct, ILane<V>
    {
        if (form == Form.Constant) return V.Of(factor);
        if (form == Form.Proportional) return V.Of(factor) * x;
        if (form == Form.Square) return V.Of(factor) * (x * x);
        if (form == Form.Cube) return V.Of(factor) * (x * x * x);
        if (form == Form.Inverse) return V.Of(factor) / x;
        if (form == Form.NotANumber) return V.WhereEqual(x, V.Of(1f), V.Of(factor), V.Of(float.NaN) * x);
        if (form == Form.Root) return V.Of(factor) * Root(x);
        return Signed(x, V.Power(V.Abs(x), this));
    }

    private static Form FormOf(double exponent, double factor) => exponent switch
    {
        _ when exponent == 0 || factor == 0 => Form.Constant,
        1 => Form.Proportional,
        2 => Form.Square,
        3 => Form.Cube,
        -1 => Form.Inverse,
        0.5 => Form.Root,
        _ when double.IsNaN(exponent) => Form.NotANumber,
        _ when double.IsInfinity(exponent) => Form.Infinite,
        _ when Math.Floor(exponent) != exponent => Form.Fraction,
        _ => exponent % 2 == 0 ? Form.Even : Form.Odd,
    };

    /// <summary>The root of -0 is +0, that of negative infinity positive infinity.</summary>
    private static V Root<V>(V x) where V : struct, ILane<V> =>
        V.WhereEqual(x, V.Of(float.NegativeInfinity), V.Of(float.PositiveInfinity), V.Sqrt(x) + V.Of(0f));

    private V Signed<V>(V x, V size) where V : struct, ILane<V>
    {
        V zero = V.Of(0f), one = V.Of(1f);
        if (form == Form.Even) return size;
        if (form == Form.Infinite) return V.WhereEqual(V.Abs(x), one, V.Of(factor), size);
        if (form == Form.Fraction)
            return V.Where(x, zero, V.WhereEqual(x, V.Of(float.NegativeInfinity), size, V.Of(float.NaN) * x), size);
        var signOfZero = V.Where(one / x, zero, -one, one);
        return size * V.Where(x, zero, -one, V.WhereEqual(x, zero, signOfZero, one));
    }
}

/// <summary>Powers of single-precision vectors by logarithm and exponential in double precision, rounded once.</summary>
internal static class PowerMath
{
    public static float Of(float x, in Power power) => (float)Of(Vector128.Create((double)x), power).ToScalar();

    public static Vector128<float> Of(Vector128<float> x, in Power power)
    {
        var (low, high) = Vector128.Widen(x);
        return Vector128.Narrow(Of(low, power), Of(high, power));
    }

    public static Vector256<float> Of(Vector256<float> x, in Power power)
    {
        var (low, high) = Vector256.Widen(x);
        return Vector256.Narrow(Of(low, power), Of(high, power));
    }

    public static Vector512<float> Of(Vector512<float> x, in Power power)
    {
        var (low, high) = Vector512.Widen(x);
        return Vector512.Narrow(Of(low, power), Of(high, power));
    }

    private static Vector128<double> Of(Vector128<double> x, in Power power) =>
        Vector128.Create(power.Factor) * Vector128.Exp(Vector128.Create(power.Exponent) * Vector128.Log(x));

    private static Vector256<double> Of(Vector256<double> x, in Power power) =>
        Vector256.Create(power.Factor) * Vector256.Exp(Vector256.Create(power.Exponent) * Vector256.Log(x));

    private static Vector512<double> Of(Vector512<double> x, in Power power) =>
        Vector512.Create(power.Factor) * Vector512.Exp(Vector512.Create(power.Exponent) * Vector512.Log(x));
}
