using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// A product of one row with a B whose columns lie side by side: its rows are scaled and added, and B is read once. A chunk is some
/// columns.
/// </summary>
/// <typeparam name="L">The vector lane.</typeparam>
/// <typeparam name="TAct">The activation.</typeparam>
internal unsafe struct GemvColumnsJob<L, TAct> : IJob where L : struct, ISimd<L> where TAct : unmanaged, IMap1<TAct>
{
    private const int ColumnsPerChunk = 512;

    public TAct Act;
    public GemmProduct X;

    /// <summary>True where packing B would cost more than the product.</summary>
    public static bool Fits(in GemmProduct x) => x.IsOfFloats && x.M == 1 && x.B.Line == 1;

    public readonly int Chunks => GemmBlocks.Divide(X.N, ColumnsPerChunk);

    [SkipLocalsInit]
    public readonly void Run(int chunk)
    {
        int first = chunk * ColumnsPerChunk, columns = Math.Min(ColumnsPerChunk, X.N - first), p = 0;
        float* sums = stackalloc float[ColumnsPerChunk];
        new Span<float>(sums, columns).Clear();
        float* b = X.B.Data + first;
        for (int quarter = X.K / 4; p < quarter; p++, b += X.B.Step) FourRows(p, quarter, b, sums, columns);
        for (p = 4 * p, b = X.B.Data + first + p * X.B.Step; p < X.K; p++, b += X.B.Step) OneRow(X.Alpha * A(p), b, sums, columns);
        GemmFinish<L, TAct>.Merge(sums, ColumnsPerChunk, 1, columns, X.Beta, X.C + first, X.Ldc);
        if (GemmFinish<L, TAct>.IsNeeded(X)) GemmFinish<L, TAct>.Apply(Act, X, 0, first, 1, columns);
    }

    private readonly float A(long p) => X.A.Data[p * X.A.Step];

    // Rows far apart: the memory serves several streams faster than one.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void FourRows(int p, int apart, float* b0, float* sums, int columns)
    {
        L a0 = L.Of(X.Alpha * A(p)), a1 = L.Of(X.Alpha * A(p + apart)), a2 = L.Of(X.Alpha * A(p + 2L * apart)),
            a3 = L.Of(X.Alpha * A(p + 3L * apart));
        float* b1 = b0 + apart * X.B.Step, b2 = b1 + apart * X.B.Step, b3 = b2 + apart * X.B.Step;
        int j = 0;
        for (; j <= columns - L.Count; j += L.Count)
        {
            var low = L.Fma(a1, L.Load(b1 + j), a0 * L.Load(b0 + j));
            var high = L.Fma(a3, L.Load(b3 + j), a2 * L.Load(b2 + j));
            L.Store(sums + j, L.Load(sums + j) + (low + high));
        }

        for (; j < columns; j++)
            sums[j] += X.Alpha * (A(p) * b0[j] + A(p + apart) * b1[j] + (A(p + 2L * apart) * b2[j] + A(p + 3L * apart) * b3[j]));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(float a, float* b, float* sums, int columns)
    {
        var factor = L.Of(a);
        int j = 0;
        for (; j <= columns - L.Count; j += L.Count) L.Store(sums + j, L.Fma(factor, L.Load(b + j), L.Load(sums + j)));
        for (; j < columns; j++) sums[j] += a * b[j];
    }
}
