using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// A packed part of B: <see cref="Columns"/> columns from <see cref="Column"/> on, the summands from <see cref="Start"/> to
/// <see cref="End"/>.
/// </summary>
internal unsafe struct GemmPanel
{
    public float* Data;
    public int Column, Columns, Start, End;

    /// <summary>
    /// The packed passes from summand <paramref name="start"/> on, for a panel padded to <paramref name="width"/> columns.
    /// </summary>
    public readonly float* Pass(int start, int width) => Data + (long)(start - Start) * width;
}

/// <summary>Packs a panel of B; a chunk is a few slivers of one pass.</summary>
/// <typeparam name="L">The vector lane.</typeparam>
internal unsafe struct GemmPackJob<L> : IJob where L : struct, ISimd<L>
{
    private const int SliversPerChunk = 4;

    public GemmProduct X;
    public GemmPanel Panel;
    public int Depth;

    /// <summary>Chunks of one pass.</summary>
    private readonly int Groups => GemmBlocks.Divide(Panel.Columns, SliversPerChunk * GemmKernel<L>.Columns);

    public readonly int Chunks => Depth == 0 ? 0 : Groups * GemmBlocks.Divide(Panel.End - Panel.Start, Depth);

    public readonly void Run(int chunk)
    {
        int tile = GemmKernel<L>.Columns, start = Panel.Start + chunk / Groups * Depth, depth = Math.Min(Depth, Panel.End - start);
        int j = chunk % Groups * SliversPerChunk * tile, end = Math.Min(Panel.Columns, j + SliversPerChunk * tile);
        float* pass = Panel.Pass(start, GemmBlocks.Divide(Panel.Columns, tile) * tile);
        GemmPack.Slivers(X.B, Panel.Column + j, end - j, start, depth, tile, pass + (long)j * depth);
    }
}

/// <summary>
/// Multiplies a panel of B; a chunk is a block of rows, whose part of A it packs for itself, unless A is read where it lies.
/// </summary>
/// <typeparam name="L">The vector lane.</typeparam>
/// <typeparam name="TAct">The activation.</typeparam>
internal unsafe struct GemmMultiplyJob<L, TAct> : IJob where L : struct, ISimd<L> where TAct : unmanaged, IMap1<TAct>
{
    public TAct Act;
    public GemmProduct X;
    public GemmPanel Panel;
    public GemmBlocks Blocks;

    public readonly void Run(int chunk)
    {
        int first = Blocks.FirstRow(chunk), end = Math.Min(X.M, Blocks.FirstRow(chunk + 1)), tile = GemmKernel<L>.Rows;
        float* block = GemmPackMemory.Block((long)GemmBlocks.Divide(end - first, tile) * tile * Blocks.Depth);
        int start = Panel.Start;
        do
        {
            int depth = Math.Min(Blocks.Depth, Panel.End - start);
            int packed = X.ReadsAInPlace ? end / tile * tile : first; // a part of a tile is always packed, for its padding
            GemmPack.Slivers(X.A, packed, end - packed, start, depth, tile, block + (long)(packed - first) * depth);
            Multiply(first, end, start, depth, block);
            start += depth;
        }
        while (start < Panel.End);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Multiply(int first, int end, int start, int depth, float* block)
    {
        int tileRows = GemmKernel<L>.Rows, tileColumns = GemmKernel<L>.Columns;
        float* pass = Panel.Pass(start, GemmBlocks.Divide(Panel.Columns, tileColumns) * tileColumns);
        float* tile = stackalloc float[GemmKernel<L>.Rows * GemmKernel<L>.Columns];
        float beta = start == 0 ? X.Beta : 1f;
        bool inPlace = X.ReadsAInPlace, finish = start + depth == X.K && GemmFinish<L, TAct>.IsNeeded(X);
        for (int j = 0; j < Panel.Columns; j += tileColumns)
        {
            float* b = pass + (long)j * depth;
            int columns = Math.Min(tileColumns, Panel.Columns - j);
            for (int i = first; i < end; i += tileRows)
            {
                float* c = X.C + i * X.Ldc + Panel.Column + j;
                int rows = Math.Min(tileRows, end - i);
                var a = inPlace && rows == tileRows
                    ? X.A.Lines.At(i, start)
                    : new GemmLines(block + (long)(i - first) * depth, 1, tileRows);
                if (rows == tileRows && columns == tileColumns)
                {
                    GemmKernel<L>.Run(depth, a, b, X.Alpha, beta, c, X.Ldc);
                }
                else
                {
                    GemmKernel<L>.Run(depth, a, b, X.Alpha, 0f, tile, tileColumns);
                    GemmFinish<L, TAct>.Merge(tile, tileColumns, rows, columns, beta, c, X.Ldc);
                }

                if (finish) GemmFinish<L, TAct>.Apply(Act, X, i, Panel.Column + j, rows, columns);
            }
        }
    }
}
