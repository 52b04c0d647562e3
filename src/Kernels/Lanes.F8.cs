using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mayfly;

/// <summary>8 single-precision elements in a 256-bit vector.</summary>
public readonly unsafe struct F8(Vector256<float> value) : ISimd<F8>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>The vector.</summary>
    public readonly Vector256<float> Value = value;

    /// <inheritdoc/>
    public static int Count => 8;

    /// <inheritdoc/>
    public static DType Type => DType.F32;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Of(float x) => new(Vector256.Create(x));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Of(double x) => new(Vector256.Create((float)x));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Of(Hyper x) => Of(x.Single);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 operator +(F8 a, F8 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 operator -(F8 a, F8 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 operator *(F8 a, F8 b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 operator /(F8 a, F8 b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 operator -(F8 a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Fma(F8 a, F8 b, F8 c) => new(Vector256.FusedMultiplyAdd(a.Value, b.Value, c.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Abs(F8 a) => new(Vector256.Abs(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Max(F8 a, F8 b) => new(Vector256.Max(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Min(F8 a, F8 b) => new(Vector256.Min(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Sqrt(F8 a) => new(Vector256.Sqrt(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Exp(F8 a) => LaneMath<F8>.Exp(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Log(F8 a) => LaneMath<F8>.Log(a);

    /// <inheritdoc/>
    public static F8 Power(F8 a, in Power power) => new(PowerMath.Of(a.Value, power));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Tanh(F8 a) => LaneMath<F8>.Tanh(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Erf(F8 a) => LaneMath<F8>.Erf(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Sin(F8 a) => CircleMath<F8>.Sin(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Cos(F8 a) => CircleMath<F8>.Cos(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Round(F8 a) => new(Vector256.Round(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F8 Where(F8 a, F8 b, F8 ifLess, F8 otherwise) =>
        new(Vector256.ConditionalSelect(Vector256.LessThan(a.Value, b.Value), ifLess.Value, otherwise.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F8 WhereEqual(F8 a, F8 b, F8 ifEqual, F8 otherwise) =>
        new(Vector256.ConditionalSelect(Vector256.Equals(a.Value, b.Value), ifEqual.Value, otherwise.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Load(void* p) => new(Vector256.Load((float*)p));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static void Store(void* p, F8 x) => x.Value.Store((float*)p);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 Broadcast(float* p) => new(Vector256.Create(*p));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 MaxNative(F8 a, F8 b) => new(Vector256.MaxNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 MinNative(F8 a, F8 b) => new(Vector256.MinNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F8 CopySign(F8 a, F8 sign) => new(Vector256.CopySign(a.Value, sign.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F8 Scale(F8 x, F8 n)
    {
        if (Avx512F.VL.IsSupported) return new(Avx512F.VL.Scale(x.Value, n.Value));
        var whole = Vector256.ConvertToInt32Native(n.Value);
        var half = Vector256.ShiftRightArithmetic(whole, 1);
        return new(x.Value * PowerOfTwo(half) * PowerOfTwo(whole - half));
    }

    [MethodImpl(Inline)]
    private static Vector256<float> PowerOfTwo(Vector256<int> n) => Vector256.ShiftLeft(n + Vector256.Create(127), 23).AsSingle();

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F8 Exponent(F8 x) =>
        new(Vector256.ConvertToSingle(Vector256.ShiftRightLogical(x.Value.AsInt32(), 23) - Vector256.Create(127)));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F8 Mantissa(F8 x) =>
        new(((x.Value.AsInt32() & Vector256.Create(0x007FFFFF)) | Vector256.Create(0x3F800000)).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static double Sum(F8 x) => Vector256.Sum(x.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static double Largest(F8 x) => F4.Largest(new(Vector128.Max(x.Value.GetLower(), x.Value.GetUpper())));

    /// <inheritdoc/>
    public static F8 LoadPart(float* p, int count)
    {
        float* part = stackalloc float[8];
        for (int i = 0; i < 8; i++) part[i] = i < count ? p[i] : 0f;
        return Load(part);
    }

    /// <inheritdoc/>
    public static void StorePart(float* p, F8 x, int count)
    {
        float* part = stackalloc float[8];
        Store(part, x);
        for (int i = 0; i < count; i++) p[i] = part[i];
    }
}
