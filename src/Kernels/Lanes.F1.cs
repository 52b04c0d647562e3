using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>One single-precision number, computed as in the vector lanes: the same polynomials, the same roundings.</summary>
public readonly unsafe struct F1(float value) : ISimd<F1>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>The number.</summary>
    public readonly float Value = value;

    /// <inheritdoc/>
    public static int Count => 1;

    /// <inheritdoc/>
    public static DType Type => DType.F32;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Of(float x) => new(x);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Of(double x) => new((float)x);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Of(Hyper x) => Of(x.Single);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 operator +(F1 a, F1 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 operator -(F1 a, F1 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 operator *(F1 a, F1 b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 operator /(F1 a, F1 b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 operator -(F1 a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Fma(F1 a, F1 b, F1 c) => new(MathF.FusedMultiplyAdd(a.Value, b.Value, c.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Abs(F1 a) => new(MathF.Abs(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Max(F1 a, F1 b) => new(MathF.Max(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Min(F1 a, F1 b) => new(MathF.Min(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Sqrt(F1 a) => new(MathF.Sqrt(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Exp(F1 a) => LaneMath<F1>.Exp(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Log(F1 a) => LaneMath<F1>.Log(a);

    /// <inheritdoc/>
    public static F1 Power(F1 a, in Power power) => new(PowerMath.Of(a.Value, power));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Tanh(F1 a) => LaneMath<F1>.Tanh(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Erf(F1 a) => LaneMath<F1>.Erf(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Sin(F1 a) => CircleMath<F1>.Sin(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Cos(F1 a) => CircleMath<F1>.Cos(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Round(F1 a) => new(MathF.Round(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Where(F1 a, F1 b, F1 ifLess, F1 otherwise) => a.Value < b.Value ? ifLess : otherwise;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 WhereEqual(F1 a, F1 b, F1 ifEqual, F1 otherwise) => a.Value == b.Value ? ifEqual : otherwise;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Load(void* p) => new(*(float*)p);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static void Store(void* p, F1 x) => *(float*)p = x.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Broadcast(float* p) => new(*p);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 MaxNative(F1 a, F1 b) => new(a.Value > b.Value ? a.Value : b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 MinNative(F1 a, F1 b) => new(a.Value < b.Value ? a.Value : b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 CopySign(F1 a, F1 sign) => new(MathF.CopySign(a.Value, sign.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F1 Scale(F1 x, F1 n)
    {
        int whole = float.IsNaN(n.Value) ? 0 : (int)n.Value, half = whole >> 1;
        return new(x.Value * PowerOfTwo(half) * PowerOfTwo(whole - half));
    }

    [MethodImpl(Inline)] private static float PowerOfTwo(int n) => BitConverter.Int32BitsToSingle((n + 127) << 23);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F1 Exponent(F1 x) => new((int)(BitConverter.SingleToUInt32Bits(x.Value) >> 23) - 127);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F1 Mantissa(F1 x) =>
        new(BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(x.Value) & 0x007FFFFF) | 0x3F800000));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static double Sum(F1 x) => x.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static double Largest(F1 x) => x.Value;

    /// <inheritdoc/>
    public static F1 LoadPart(float* p, int count) => new(count > 0 ? *p : 0f);

    /// <inheritdoc/>
    public static void StorePart(float* p, F1 x, int count)
    {
        if (count > 0) *p = x.Value;
    }
}
