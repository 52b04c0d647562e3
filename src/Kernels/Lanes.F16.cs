using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mayfly;

/// <summary>16 single-precision elements in a 512-bit vector.</summary>
public readonly unsafe struct F16(Vector512<float> value) : ISimd<F16>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>The vector.</summary>
    public readonly Vector512<float> Value = value;

    /// <inheritdoc/>
    public static int Count => 16;

    /// <inheritdoc/>
    public static DType Type => DType.F32;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Of(float x) => new(Vector512.Create(x));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Of(double x) => new(Vector512.Create((float)x));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Of(Hyper x) => Of(x.Single);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 operator +(F16 a, F16 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 operator -(F16 a, F16 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 operator *(F16 a, F16 b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 operator /(F16 a, F16 b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 operator -(F16 a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Fma(F16 a, F16 b, F16 c) => new(Vector512.FusedMultiplyAdd(a.Value, b.Value, c.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Abs(F16 a) => new(Vector512.Abs(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Max(F16 a, F16 b) => new(Vector512.Max(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Min(F16 a, F16 b) => new(Vector512.Min(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Sqrt(F16 a) => new(Vector512.Sqrt(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Exp(F16 a) => LaneMath<F16>.Exp(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Log(F16 a) => LaneMath<F16>.Log(a);

    /// <inheritdoc/>
    public static F16 Power(F16 a, in Power power) => new(PowerMath.Of(a.Value, power));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Tanh(F16 a) => LaneMath<F16>.Tanh(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Erf(F16 a) => LaneMath<F16>.Erf(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Sin(F16 a) => CircleMath<F16>.Sin(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Cos(F16 a) => CircleMath<F16>.Cos(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Round(F16 a) => new(Vector512.Round(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F16 Where(F16 a, F16 b, F16 ifLess, F16 otherwise) =>
        new(Vector512.ConditionalSelect(Vector512.LessThan(a.Value, b.Value), ifLess.Value, otherwise.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F16 WhereEqual(F16 a, F16 b, F16 ifEqual, F16 otherwise) =>
        new(Vector512.ConditionalSelect(Vector512.Equals(a.Value, b.Value), ifEqual.Value, otherwise.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Load(void* p) => new(Vector512.Load((float*)p));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static void Store(void* p, F16 x) => x.Value.Store((float*)p);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 Broadcast(float* p) => new(Vector512.Create(*p));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 MaxNative(F16 a, F16 b) => new(Vector512.MaxNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 MinNative(F16 a, F16 b) => new(Vector512.MinNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F16 CopySign(F16 a, F16 sign) => new(Vector512.CopySign(a.Value, sign.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F16 Scale(F16 x, F16 n)
    {
        if (Avx512F.IsSupported) return new(Avx512F.Scale(x.Value, n.Value));
        var whole = Vector512.ConvertToInt32Native(n.Value);
        var half = Vector512.ShiftRightArithmetic(whole, 1);
        return new(x.Value * PowerOfTwo(half) * PowerOfTwo(whole - half));
    }

    [MethodImpl(Inline)]
    private static Vector512<float> PowerOfTwo(Vector512<int> n) => Vector512.ShiftLeft(n + Vector512.Create(127), 23).AsSingle();

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F16 Exponent(F16 x) =>
        new(Vector512.ConvertToSingle(Vector512.ShiftRightLogical(x.Value.AsInt32(), 23) - Vector512.Create(127)));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F16 Mantissa(F16 x) =>
        new(((x.Value.AsInt32() & Vector512.Create(0x007FFFFF)) | Vector512.Create(0x3F800000)).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static double Sum(F16 x) => Vector512.Sum(x.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static double Largest(F16 x) => F8.Largest(new(Vector256.Max(x.Value.GetLower(), x.Value.GetUpper())));

    /// <inheritdoc/>
    public static F16 LoadPart(float* p, int count)
    {
        float* part = stackalloc float[16];
        for (int i = 0; i < 16; i++) part[i] = i < count ? p[i] : 0f;
        return Load(part);
    }

    /// <inheritdoc/>
    public static void StorePart(float* p, F16 x, int count)
    {
        float* part = stackalloc float[16];
        Store(part, x);
        for (int i = 0; i < count; i++) p[i] = part[i];
    }
}
