namespace Mayfly;

/// <summary>One matrix product in host memory: the pointers and strides behind a <see cref="Gemm{TAct}"/>.</summary>
internal unsafe struct GemmProduct
{
    public int M, N, K;
    public GemmOperand A, B;
    public float* C;
    public long Ldc;
    public float Alpha, Beta;
    public float* Bias, Before, Residual;

    /// <summary>
    /// True where the kernel reads A where it lies: with few columns each number of A is used too seldom to pay for its packing. Long rows
    /// and wide steps would crowd a few sets of the first-level cache. The sums and their order are the same either way.
    /// </summary>
    public readonly bool ReadsAInPlace => !A.IsStored && N <= 512 && (A.LinesAreDense ? K <= 1024 : A.Step < 1024);

    /// <summary>The first product of the batch.</summary>
    public static GemmProduct Of<TAct>(in Gemm<TAct> gemm) where TAct : unmanaged, IMap1<TAct>
    {
        Layout a = gemm.A.Layout, b = gemm.B.Layout, c = gemm.C.Layout;
        int m = checked((int)c.Shape[-2]), n = checked((int)c.Shape[-1]), k = checked((int)a.Shape[-1]);
        return new GemmProduct
        {
            M = m,
            N = n,
            K = k,
            A = new GemmOperand(gemm.A, m, a.Strides[-2], k, a.Strides[-1]),
            B = new GemmOperand(gemm.B, n, b.Strides[-1], k, b.Strides[-2]),
            C = gemm.C.Floats(),
            Ldc = c.Strides[-2],
            Alpha = (float)gemm.Alpha,
            Beta = (float)gemm.Beta,
            Bias = gemm.Bias.Floats(),
            Before = gemm.Before.Floats(),
            Residual = gemm.Residual.Floats(),
        };
    }

    /// <summary>True for a dense column without extras, which is as well the row of the turned product.</summary>
    public readonly bool IsColumn => N == 1 && M > 1 && Ldc == 1 && !HasExtras;

    /// <summary>True where both operands are floats, which loops may read where they lie.</summary>
    public readonly bool IsOfFloats => !A.IsStored && !B.IsStored;

    /// <summary>The product with rows and columns of C exchanged, for a C of one column.</summary>
    public readonly GemmProduct Turned() => this with { M = N, N = M, A = B, B = A, Ldc = M };

    /// <summary>True where a finished block needs more than alpha and beta.</summary>
    public readonly bool HasExtras => Bias != null || Before != null || Residual != null;
}
