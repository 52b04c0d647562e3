using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mayfly;

/// <summary>4 single-precision elements in a 128-bit vector.</summary>
public readonly unsafe struct F4(Vector128<float> value) : ISimd<F4>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>The vector.</summary>
    public readonly Vector128<float> Value = value;

    /// <inheritdoc/>
    public static int Count => 4;

    /// <inheritdoc/>
    public static DType Type => DType.F32;

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Of(float x) => new(Vector128.Create(x));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Of(double x) => new(Vector128.Create((float)x));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Of(Hyper x) => Of(x.Single);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 operator +(F4 a, F4 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 operator -(F4 a, F4 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 operator *(F4 a, F4 b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 operator /(F4 a, F4 b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 operator -(F4 a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Fma(F4 a, F4 b, F4 c) => new(Vector128.FusedMultiplyAdd(a.Value, b.Value, c.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Abs(F4 a) => new(Vector128.Abs(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Max(F4 a, F4 b) => new(Vector128.Max(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Min(F4 a, F4 b) => new(Vector128.Min(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Sqrt(F4 a) => new(Vector128.Sqrt(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Exp(F4 a) => LaneMath<F4>.Exp(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Log(F4 a) => LaneMath<F4>.Log(a);

    /// <inheritdoc/>
    public static F4 Power(F4 a, in Power power) => new(PowerMath.Of(a.Value, power));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Tanh(F4 a) => LaneMath<F4>.Tanh(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Erf(F4 a) => LaneMath<F4>.Erf(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Sin(F4 a) => CircleMath<F4>.Sin(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Cos(F4 a) => CircleMath<F4>.Cos(a);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Round(F4 a) => new(Vector128.Round(a.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F4 Where(F4 a, F4 b, F4 ifLess, F4 otherwise) =>
        new(Vector128.ConditionalSelect(Vector128.LessThan(a.Value, b.Value), ifLess.Value, otherwise.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F4 WhereEqual(F4 a, F4 b, F4 ifEqual, F4 otherwise) =>
        new(Vector128.ConditionalSelect(Vector128.Equals(a.Value, b.Value), ifEqual.Value, otherwise.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Load(void* p) => new(Vector128.Load((float*)p));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static void Store(void* p, F4 x) => x.Value.Store((float*)p);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 Broadcast(float* p) => new(Vector128.Create(*p));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 MaxNative(F4 a, F4 b) => new(Vector128.MaxNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 MinNative(F4 a, F4 b) => new(Vector128.MinNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static F4 CopySign(F4 a, F4 sign) => new(Vector128.CopySign(a.Value, sign.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F4 Scale(F4 x, F4 n)
    {
        if (Avx512F.VL.IsSupported) return new(Avx512F.VL.Scale(x.Value, n.Value));
        var whole = Vector128.ConvertToInt32Native(n.Value);
        var half = Vector128.ShiftRightArithmetic(whole, 1);
        return new(x.Value * PowerOfTwo(half) * PowerOfTwo(whole - half));
    }

    [MethodImpl(Inline)]
    private static Vector128<float> PowerOfTwo(Vector128<int> n) => Vector128.ShiftLeft(n + Vector128.Create(127), 23).AsSingle();

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F4 Exponent(F4 x) =>
        new(Vector128.ConvertToSingle(Vector128.ShiftRightLogical(x.Value.AsInt32(), 23) - Vector128.Create(127)));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static F4 Mantissa(F4 x) =>
        new(((x.Value.AsInt32() & Vector128.Create(0x007FFFFF)) | Vector128.Create(0x3F800000)).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static double Sum(F4 x) => Vector128.Sum(x.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)] public static double Largest(F4 x) =>
        MathF.Max(MathF.Max(x.Value[0], x.Value[1]), MathF.Max(x.Value[2], x.Value[3]));

    /// <inheritdoc/>
    public static F4 LoadPart(float* p, int count)
    {
        float* part = stackalloc float[4];
        for (int i = 0; i < 4; i++) part[i] = i < count ? p[i] : 0f;
        return Load(part);
    }

    /// <inheritdoc/>
    public static void StorePart(float* p, F4 x, int count)
    {
        float* part = stackalloc float[4];
        Store(part, x);
        for (int i = 0; i < count; i++) p[i] = part[i];
    }
}
