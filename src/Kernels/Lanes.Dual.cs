using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>A value and its derivative (forward-mode differentiation): run a formula on it to get the formula's derivative.</summary>
/// <typeparam name="V">The lane of both.</typeparam>
public readonly struct Dual<V>(V value, V tangent) : ILane<Dual<V>> where V : struct, ILane<V>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>The value.</summary>
    public readonly V Value = value;

    /// <summary>The derivative.</summary>
    public readonly V Tangent = tangent;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static Dual<V> Of(float x) => new(V.Of(x), V.Of(0f));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static Dual<V> Of(double x) => new(V.Of(x), V.Of(0f));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static Dual<V> Of(Hyper x) => new(V.Of(x), V.Of(0f));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static Dual<V> operator +(Dual<V> a, Dual<V> b) => new(a.Value + b.Value, a.Tangent + b.Tangent);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static Dual<V> operator -(Dual<V> a, Dual<V> b) => new(a.Value - b.Value, a.Tangent - b.Tangent);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> operator *(Dual<V> a, Dual<V> b) => new(a.Value * b.Value, V.Fma(a.Value, b.Tangent, a.Tangent * b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> operator /(Dual<V> a, Dual<V> b)
    {
        var q = a.Value / b.Value;
        return new(q, (a.Tangent - q * b.Tangent) / b.Value);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static Dual<V> operator -(Dual<V> a) => new(-a.Value, -a.Tangent);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> Fma(Dual<V> a, Dual<V> b, Dual<V> c) =>
        new(V.Fma(a.Value, b.Value, c.Value), V.Fma(a.Value, b.Tangent, V.Fma(a.Tangent, b.Value, c.Tangent)));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> Abs(Dual<V> a) => new(V.Abs(a.Value), V.Where(a.Value, V.Of(0f), -a.Tangent, a.Tangent));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> Max(Dual<V> a, Dual<V> b) => new(V.Max(a.Value, b.Value), V.Where(a.Value, b.Value, b.Tangent, a.Tangent));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> Min(Dual<V> a, Dual<V> b) => new(V.Min(a.Value, b.Value), V.Where(b.Value, a.Value, b.Tangent, a.Tangent));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> Sqrt(Dual<V> a)
    {
        var s = V.Sqrt(a.Value);
        return new(s, a.Tangent / (s + s));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> Exp(Dual<V> a)
    {
        var e = V.Exp(a.Value);
        return new(e, e * a.Tangent);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static Dual<V> Log(Dual<V> a) => new(V.Log(a.Value), a.Tangent / a.Value);

    /// <inheritdoc/>
    public static Dual<V> Power(Dual<V> a, in Power power) => new(V.Power(a.Value, power), a.Tangent * V.Power(a.Value, power.Derivative));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> Tanh(Dual<V> a)
    {
        var t = V.Tanh(a.Value);
        return new(t, a.Tangent * (V.Of(1f) - t * t));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> Erf(Dual<V> a) => new(V.Erf(a.Value), a.Tangent * V.Of(1.1283791670955126) * V.Exp(-(a.Value * a.Value)));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static Dual<V> Sin(Dual<V> a) => new(V.Sin(a.Value), a.Tangent * V.Cos(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static Dual<V> Cos(Dual<V> a) => new(V.Cos(a.Value), -a.Tangent * V.Sin(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static Dual<V> Round(Dual<V> a) => new(V.Round(a.Value), V.Of(0f));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> Where(Dual<V> a, Dual<V> b, Dual<V> ifLess, Dual<V> otherwise) =>
        new(V.Where(a.Value, b.Value, ifLess.Value, otherwise.Value), V.Where(a.Value, b.Value, ifLess.Tangent, otherwise.Tangent));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Dual<V> WhereEqual(Dual<V> a, Dual<V> b, Dual<V> ifEqual, Dual<V> otherwise) =>
        new(V.WhereEqual(a.Value, b.Value, ifEqual.Value, otherwise.Value),
            V.WhereEqual(a.Value, b.Value, ifEqual.Tangent, otherwise.Tangent));
}
