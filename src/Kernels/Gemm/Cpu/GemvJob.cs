using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// A product of few rows with a K-dense B, as in generation: dot products straight from B, which is read once, four columns at a time, as
/// floats. A chunk is some columns.
/// </summary>
/// <typeparam name="L">The vector lane.</typeparam>
/// <typeparam name="TAct">The activation.</typeparam>
internal unsafe struct GemvJob<L, TAct> : IJob where L : struct, ISimd<L> where TAct : unmanaged, IMap1<TAct>
{
    private const int MaxRows = 4;
    private const int ColumnsPerChunk = 64;

    public TAct Act;
    public GemmProduct X;

    /// <summary>True where packing B would cost more than the product.</summary>
    public static bool Fits(in GemmProduct x) => !x.A.IsStored && x.M <= MaxRows && x.A.LinesAreDense && x.B.LinesAreDense;

    public readonly int Chunks => GemmBlocks.Divide(X.N, ColumnsPerChunk);

    public readonly void Run(int chunk)
    {
        int first = chunk * ColumnsPerChunk, columns = Math.Min(ColumnsPerChunk, X.N - first);
        float* tile = stackalloc float[MaxRows * ColumnsPerChunk];
        int j = 0;
        for (; j <= columns - 4; j += 4)
        {
            var four = X.B.Part(first + j, 4, 0, X.K);
            for (int i = 0; i < X.M; i++) FourDots(X.A.Data + i * X.A.Line, four, tile + i * ColumnsPerChunk + j);
        }

        for (; j < columns; j++)
        {
            float* b = X.B.Part(first + j, 1, 0, X.K).Data;
            for (int i = 0; i < X.M; i++) tile[i * ColumnsPerChunk + j] = Dot(X.A.Data + i * X.A.Line, b);
        }

        GemmFinish<L, TAct>.Merge(tile, ColumnsPerChunk, X.M, columns, X.Beta, X.C + first, X.Ldc);
        if (GemmFinish<L, TAct>.IsNeeded(X)) GemmFinish<L, TAct>.Apply(Act, X, 0, first, X.M, columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void FourDots(float* a, in GemmLines b, float* to)
    {
        float* b0 = b.Data, b1 = b0 + b.Line, b2 = b1 + b.Line, b3 = b2 + b.Line;
        L s0 = default, s1 = default, s2 = default, s3 = default;
        int p = 0;
        for (; p <= X.K - L.Count; p += L.Count)
        {
            var x = L.Load(a + p);
            s0 = L.Fma(x, L.Load(b0 + p), s0);
            s1 = L.Fma(x, L.Load(b1 + p), s1);
            s2 = L.Fma(x, L.Load(b2 + p), s2);
            s3 = L.Fma(x, L.Load(b3 + p), s3);
        }

        to[0] = Rest(a, b0, p, s0);
        to[1] = Rest(a, b1, p, s1);
        to[2] = Rest(a, b2, p, s2);
        to[3] = Rest(a, b3, p, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly float Dot(float* a, float* b)
    {
        L sum = default;
        int p = 0;
        for (; p <= X.K - L.Count; p += L.Count) sum = L.Fma(L.Load(a + p), L.Load(b + p), sum);
        return Rest(a, b, p, sum);
    }

    private readonly float Rest(float* a, float* b, int p, L sum)
    {
        int count = X.K - p;
        if (count > 0) sum = L.Fma(L.LoadPart(a + p, count), L.LoadPart(b + p, count), sum);
        return X.Alpha * (float)L.Sum(sum);
    }
}
