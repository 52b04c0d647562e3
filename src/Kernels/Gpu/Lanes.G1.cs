using ILGPU.Algorithms;

namespace Mayfly;

/// <summary>
/// One single-precision number of a GPU thread. Only what ILGPU compiles: its own functions, arithmetic and selects; no fused multiply-add
/// of the run-time library (the GPU's compiler fuses by itself), no exceptions, no static fields.
/// </summary>
internal readonly struct G1(float value) : ILane<G1>
{
    /// <summary>The number.</summary>
    public readonly float Value = value;

    public static G1 Of(float x) => new(x);

    public static G1 Of(double x) => new((float)x);

    public static G1 Of(Hyper x) => new(x.Single);

    public static G1 operator +(G1 a, G1 b) => new(a.Value + b.Value);

    public static G1 operator -(G1 a, G1 b) => new(a.Value - b.Value);

    public static G1 operator *(G1 a, G1 b) => new(a.Value * b.Value);

    public static G1 operator /(G1 a, G1 b) => new(a.Value / b.Value);

    public static G1 operator -(G1 a) => new(-a.Value);

    public static G1 Fma(G1 a, G1 b, G1 c) => new(a.Value * b.Value + c.Value);

    public static G1 Abs(G1 a) => new(XMath.Abs(a.Value));

    // the hardware's maximum drops a NaN; one choice, not two: ILGPU takes the second branch for one that all lanes agree on
    public static G1 Max(G1 a, G1 b) => new(a.Value > b.Value | XMath.IsNaN(a.Value) ? a.Value : b.Value);

    public static G1 Min(G1 a, G1 b) => new(a.Value < b.Value | XMath.IsNaN(a.Value) ? a.Value : b.Value);

    public static G1 Sqrt(G1 a) => new(XMath.Sqrt(a.Value));

    public static G1 Exp(G1 a) => new(XMath.Exp(a.Value));

    public static G1 Log(G1 a) => new(XMath.Log(a.Value));

    public static G1 Power(G1 a, in Power power) => new(GpuPower.Of(a.Value, power));

    /// <summary>
    /// Near zero the polynomial of Cephes' tanhf (Moshier), further out 1 - 2 / (e^2x + 1): the hardware's own tanh has 11 bits.
    /// </summary>
    public static G1 Tanh(G1 a)
    {
        float x = XMath.Abs(a.Value), z = x * x;
        float p = -5.70498872745e-3f;
        p = p * z + 2.06390887954e-2f;
        p = p * z - 5.37397155531e-2f;
        p = p * z + 1.33314422036e-1f;
        p = p * z - 3.33332819422e-1f;
        float t = x < 0.625f ? x + x * z * p : 1f - 2f / (XMath.Exp(x + x) + 1f);
        return new(a.Value < 0f ? -t : t);
    }

    /// <summary>Below one the polynomial of Cephes' erff (Moshier), above it Abramowitz and Stegun 7.1.26 (error below 1.5e-7).</summary>
    public static G1 Erf(G1 a)
    {
        float x = XMath.Abs(a.Value), z = x * x;
        float p = 7.853861353153693e-5f;
        p = p * z - 8.010193625184903e-4f;
        p = p * z + 5.188327685732524e-3f;
        p = p * z - 2.685381193529856e-2f;
        p = p * z + 1.128358514861418e-1f;
        p = p * z - 3.761262582423300e-1f;
        p = p * z + 1.128379165726710f;
        float t = 1f / (1f + 0.3275911f * x);
        float q = 1.061405429f;
        q = q * t - 1.453152027f;
        q = q * t + 1.421413741f;
        q = q * t - 0.284496736f;
        q = q * t + 0.254829592f;
        float e = x < 1f ? x * p : 1f - q * t * XMath.Exp(-z);
        return new(a.Value < 0f ? -e : e);
    }

    public static G1 Sin(G1 a) => new(GpuCircle.Sin(a.Value));

    public static G1 Cos(G1 a) => new(GpuCircle.Cos(a.Value));

    /// <summary>Adding 1.5 * 2^23 leaves no room for a fraction: the sum is rounded to an integer, ties to even.</summary>
    public static G1 Round(G1 a) => new(XMath.Abs(a.Value) < 4194304f ? a.Value + 12582912f - 12582912f : a.Value);

    public static G1 Where(G1 a, G1 b, G1 ifLess, G1 otherwise) => new(a.Value < b.Value ? ifLess.Value : otherwise.Value);

    public static G1 WhereEqual(G1 a, G1 b, G1 ifEqual, G1 otherwise) => new(a.Value == b.Value ? ifEqual.Value : otherwise.Value);
}
