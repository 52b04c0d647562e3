using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>One double-precision number: the lane of the reference device and of gradient checks.</summary>
public readonly unsafe struct D1(double value) : IMemoryLane<D1>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>The number.</summary>
    public readonly double Value = value;

    /// <inheritdoc/>
    public static int Count => 1;

    /// <inheritdoc/>
    public static DType Type => DType.F64;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Of(float x) => new(x);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Of(double x) => new(x);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Of(Hyper x) => new(x.Double);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 operator +(D1 a, D1 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 operator -(D1 a, D1 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 operator *(D1 a, D1 b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 operator /(D1 a, D1 b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 operator -(D1 a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Fma(D1 a, D1 b, D1 c) => new(Math.FusedMultiplyAdd(a.Value, b.Value, c.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Abs(D1 a) => new(Math.Abs(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Max(D1 a, D1 b) => new(Math.Max(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Min(D1 a, D1 b) => new(Math.Min(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Sqrt(D1 a) => new(Math.Sqrt(a.Value));

    /// <inheritdoc/>
    public static D1 Exp(D1 a) => new(Math.Exp(a.Value));

    /// <inheritdoc/>
    public static D1 Log(D1 a) => new(Math.Log(a.Value));

    /// <inheritdoc/>
    public static D1 Power(D1 a, in Power power) => new(power.Factor * Math.Pow(a.Value, power.Exponent));

    /// <inheritdoc/>
    public static D1 Tanh(D1 a) => new(Math.Tanh(a.Value));

    /// <inheritdoc/>
    public static D1 Erf(D1 a) => new(DoubleErf.Erf(a.Value));

    /// <inheritdoc/>
    public static D1 Sin(D1 a) => new(Math.Sin(a.Value));

    /// <inheritdoc/>
    public static D1 Cos(D1 a) => new(Math.Cos(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Round(D1 a) => new(Math.Round(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Where(D1 a, D1 b, D1 ifLess, D1 otherwise) => a.Value < b.Value ? ifLess : otherwise;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 WhereEqual(D1 a, D1 b, D1 ifEqual, D1 otherwise) => a.Value == b.Value ? ifEqual : otherwise;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static D1 Load(void* p) => new(*(double*)p);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static void Store(void* p, D1 x) => *(double*)p = x.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static double Sum(D1 x) => x.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static double Largest(D1 x) => x.Value;
}
