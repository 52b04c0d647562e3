using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Mayfly;

/// <summary>
/// The product of 16 rows of A and 8 columns of B over 8 steps of k by the 32 lanes of a warp, in fewer bits of the operands and with sums
/// in single precision. Lane l holds of A, in the rows l / 4 and l / 4 + 8, and of B, in the column l / 4, the steps
/// <see cref="First"/> and <see cref="Second"/>; of the sums the columns 2 (l mod 4) and the next of these two rows. NVIDIA's "PTX ISA",
/// version 7.0, section "Matrix fragments for mma.m16n8k8".
/// </summary>
internal interface ITensorCore
{
    /// <summary>The first step of k that a lane holds.</summary>
    static abstract int First(int lane);

    /// <summary>The second one.</summary>
    static abstract int Second(int lane);

    /// <summary>A number in the bits of an operand.</summary>
    static abstract float Rounded(float x);

    /// <summary>
    /// sums + A B: the sums X and Y are of row l / 4, Z and W of row l / 4 + 8; upper and lower are those rows of A, at both steps.
    /// </summary>
    static abstract Quad Add(
        Quad sums, float upperFirst, float lowerFirst, float upperSecond, float lowerSecond, float first, float second);
}

/// <summary>TF32, ten of a float's 23 digits behind the point, rounded to nearest; needs compute capability 8.0.</summary>
internal readonly struct Tf32Core : ITensorCore
{
    public static int First(int lane) => lane % 4;

    public static int Second(int lane) => lane % 4 + 4;

    public static float Rounded(float x) => Interop.IntAsFloat((Interop.FloatAsInt(x) + 0x1000u) & 0xFFFFE000u);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Add(Quad sums, float upperFirst, float lowerFirst, float upperSecond, float lowerSecond, float first, float second)
    {
        Ref<float> x = new() { Value = sums.X }, y = new() { Value = sums.Y }, z = new() { Value = sums.Z }, w = new() { Value = sums.W };
        Input<uint> a0 = Interop.FloatAsInt(upperFirst), a1 = Interop.FloatAsInt(lowerFirst), a2 = Interop.FloatAsInt(upperSecond),
            a3 = Interop.FloatAsInt(lowerSecond), b0 = Interop.FloatAsInt(first), b1 = Interop.FloatAsInt(second);
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
            ref x, ref y, ref z, ref w, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1);
        return Quad.Of(x.Value, y.Value, z.Value, w.Value);
    }
}

/// <summary>BF16, the upper half of a float, rounded to nearest, ties to even; needs compute capability 8.0.</summary>
internal readonly struct Bf16Core : ITensorCore
{
    public static int First(int lane) => lane % 4 * 2;

    public static int Second(int lane) => lane % 4 * 2 + 1;

    public static float Rounded(float x)
    {
        uint bits = Interop.FloatAsInt(x);
        return Interop.IntAsFloat((bits + 0x7FFFu + ((bits >> 16) & 1u)) & 0xFFFF0000u);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Add(Quad sums, float upperFirst, float lowerFirst, float upperSecond, float lowerSecond, float first, float second)
    {
        Ref<float> x = new() { Value = sums.X }, y = new() { Value = sums.Y }, z = new() { Value = sums.Z }, w = new() { Value = sums.W };
        Input<uint> a0 = Pair(upperFirst, upperSecond), a1 = Pair(lowerFirst, lowerSecond), b = Pair(first, second);
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};",
            ref x, ref y, ref z, ref w, ref a0, ref a1, ref b);
        return Quad.Of(x.Value, y.Value, z.Value, w.Value);
    }

    /// <summary>Two rounded numbers in one register, the first in its lower half.</summary>
    public static uint Pair(float first, float second) => Interop.FloatAsInt(first) >> 16 | (Interop.FloatAsInt(second) & 0xFFFF0000u);
}
