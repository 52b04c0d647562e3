namespace Mayfly;

/// <summary>
/// A device of no memory, on which nothing is computed: its arena counts what a step would take of the device it stands for, and it counts
/// the arithmetic. Numbers read back are zeros.
/// </summary>
/// <param name="type">The type in which the other device computes.</param>
/// <param name="isAsynchronous">Whether the other device is asynchronous.</param>
public sealed class DryBackend(DType type = DType.F32, bool isAsynchronous = false) : Backend
{
    /// <inheritdoc/>
    public override string Name => "dry";

    /// <inheritdoc/>
    public override DType Float => type;

    /// <inheritdoc/>
    public override bool IsAsynchronous => isAsynchronous;

    /// <inheritdoc/>
    public override bool IsDry => true;

    /// <summary>The additions and multiplications of all kernels so far, as <see cref="KernelCost.Flops"/> counts them.</summary>
    public double Flops { get; private set; }

    /// <summary>False: arithmetic is not counted any more, which takes more time than counting memory.</summary>
    public bool CountsFlops { get; set; } = true;

    /// <inheritdoc/>
    public override Block Allocate(long bytes) => new DryBlock(bytes);

    /// <inheritdoc/>
    public override Block Part(Block whole, long first, long bytes) => new DryBlock(bytes) { IsPart = true };

    /// <inheritdoc/>
    public override void Free(Block block)
    {
    }

    /// <inheritdoc/>
    public override void Write(in View y, ReadOnlySpan<byte> data)
    {
    }

    /// <inheritdoc/>
    public override void Read(in View x, Span<byte> data) => data.Clear();

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    /// <inheritdoc/>
    public override void Fill(in View y, double value)
    {
    }

    /// <inheritdoc/>
    public override void Copy(in View x, in View y, bool add = false)
    {
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, in View x, in View y)
    {
    }

    /// <inheritdoc/>
    public override void MapBack<TOp>(TOp op, in View x, in View dy, in View dx, bool add)
    {
    }

    /// <inheritdoc/>
    public override void Map2<TOp>(TOp op, in View a, in View b, in View y)
    {
    }

    /// <inheritdoc/>
    public override void Map2Back<TOp>(TOp op, in View a, in View b, in View dy, in View da, bool addA, in View db, bool addB)
    {
    }

    /// <inheritdoc/>
    public override void Map3<TOp>(TOp op, in View a, in View b, in View c, in View y)
    {
    }

    /// <inheritdoc/>
    public override void Update<TOp>(TOp op, in View g, in View p, in View s0, in View s1)
    {
    }

    /// <inheritdoc/>
    public override void Fold<TOp>(TOp op, in View x, in View y, bool add)
    {
    }

    /// <inheritdoc/>
    public override void Row<TOp>(TOp op, in RowArgs args)
    {
    }

    /// <inheritdoc/>
    public override void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB)
    {
    }

    /// <inheritdoc/>
    public override double SumSquares(in View x) => 0;

    /// <inheritdoc/>
    public override void Run<TKernel>(in TKernel kernel)
    {
        if (CountsFlops) Flops += kernel.Cost.Flops;
    }

    private sealed class DryBlock(long bytes) : Block(bytes);
}
