namespace Mayfly;

/// <summary>
/// A device: memory, the few shapes into which an op plugs its formula, and kernels. All views are checked by the caller: a backend may
/// rely on fitting shapes and types. Unless a parameter says otherwise an output may not overlap an input except where it is exactly the
/// same view. Results never depend on the number of threads.
/// </summary>
public abstract partial class Backend : IDisposable
{
    /// <summary>A name for messages, as in <c>cpu (AVX-512, 2 threads)</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The type in which this device computes: F32, or F64 for the reference.</summary>
    public abstract DType Float { get; }

    /// <summary>True where calls return before their work is done, so that reading a number back waits for all of it.</summary>
    public virtual bool IsAsynchronous => false;

    /// <summary>
    /// True where memory is counted and nothing is computed, to find out what a step would need: initial values are not drawn for it.
    /// </summary>
    public virtual bool IsDry => false;

    // memory

    /// <summary>Allocates uninitialised memory, aligned to 64 bytes.</summary>
    /// <exception cref="OutOfMemoryException">The device has no such piece left.</exception>
    public abstract Block Allocate(long bytes);

    /// <summary>Gives memory back to the system.</summary>
    public abstract void Free(Block block);

    /// <summary>
    /// A piece of a block as a block of its own, which is not freed by itself.
    /// </summary>
    /// <param name="whole">The block.</param>
    /// <param name="first">The first byte, a multiple of 64.</param>
    /// <param name="bytes">The number of bytes.</param>
    public abstract Block Part(Block whole, long first, long bytes);

    /// <summary>Copies host bytes into a contiguous view.</summary>
    public abstract void Write(in View y, ReadOnlySpan<byte> data);

    /// <summary>Copies a contiguous view into host bytes.</summary>
    public abstract void Read(in View x, Span<byte> data);

    /// <summary>Waits until all work handed to the device is done.</summary>
    public virtual void Synchronize()
    {
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    // copies

    /// <summary>y = value, any strides.</summary>
    public abstract void Fill(in View y, double value);

    /// <summary>
    /// y = x for any strides of either, or y += x; converts between element types (adding only for the device's float type).
    /// </summary>
    public abstract void Copy(in View x, in View y, bool add = false);

    // formulas of elements

    /// <summary>y = F(x); y may be x. Any strides.</summary>
    public abstract void Map<TOp>(TOp op, in View x, in View y) where TOp : unmanaged, IMap1<TOp>;

    /// <summary>dx = D(x, dy), or dx += D(x, dy); dx may be dy. Any strides.</summary>
    public abstract void MapBack<TOp>(TOp op, in View x, in View dy, in View dx, bool add) where TOp : unmanaged, IMap1<TOp>;

    /// <summary>y = F(a, b); the inputs already have y's shape, by zero strides where they repeat. y may be a or b.</summary>
    public abstract void Map2<TOp>(TOp op, in View a, in View b, in View y) where TOp : unmanaged, IMap2<TOp>;

    /// <summary>
    /// da (+)= DA(a, b, dy) and db (+)= DB(a, b, dy), each at dy's shape; an absent da or db is skipped; da or db may be dy.
    /// </summary>
    public abstract void Map2Back<TOp>(TOp op, in View a, in View b, in View dy, in View da, bool addA, in View db, bool addB)
        where TOp : unmanaged, IMap2<TOp>;

    /// <summary>y = F(a, b, c); the inputs already have y's shape.</summary>
    public abstract void Map3<TOp>(TOp op, in View a, in View b, in View c, in View y) where TOp : unmanaged, IMap3<TOp>;

    /// <summary>Steps each element of p by its gradient; s0 and s1 may be absent. All contiguous and of one count.</summary>
    public abstract void Update<TOp>(TOp op, in View g, in View p, in View s0, in View s1) where TOp : unmanaged, IUpdate<TOp>;

    // formulas of folds and rows

    /// <summary>Folds x over each axis where y's size is 1 (same rank): y = Finish(fold of Map(x)), or y += it. Any strides.</summary>
    public abstract void Fold<TOp>(TOp op, in View x, in View y, bool add) where TOp : unmanaged, IFold<TOp>;

    /// <summary>Runs a row formula over every row (the last axis) of contiguous matrices.</summary>
    public abstract void Row<TOp>(TOp op, in RowArgs args) where TOp : unmanaged, IRow<TOp>;

    /// <summary>
    /// Folds down the columns: sumA[j] (+)= sum over rows of a, sumB[j] likewise; either may be absent. Contiguous matrices.
    /// </summary>
    public abstract void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB)
        where TOp : unmanaged, IColumn<TOp>;

    /// <summary>
    /// The sum of squares in double precision, in a fixed order; infinite or NaN where an element is. Waits for the device.
    /// </summary>
    public abstract double SumSquares(in View x);

    /// <summary><see cref="SumSquares(in View)"/> of each view, waiting for the device once.</summary>
    public virtual void SumSquares(ReadOnlySpan<View> views, Span<double> sums)
    {
        for (int i = 0; i < views.Length; i++) sums[i] = SumSquares(views[i]);
    }

    // kernels

    /// <summary>Runs a kernel in its form for this kind of device.</summary>
    public abstract void Run<TKernel>(in TKernel kernel) where TKernel : struct, IKernel;
}
