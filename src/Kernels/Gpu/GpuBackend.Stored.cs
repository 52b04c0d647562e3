using ILGPU;

namespace Mayfly;

// Operands of types that are storage only: a call works on their floats, which are made before it and rounded back after it.
public sealed partial class GpuBackend
{
    /// <summary>Elements of an element-wise call that are floats at a time; a whole number of groups.</summary>
    private const long StoredPart = 1 << 20;

    private readonly Stack<GpuBlock> spares = [];

    /// <summary>
    /// The floats of a call's stored operands, in memory that is kept from call to call. Disposing rounds what was written.
    /// </summary>
    private sealed class FloatOperands(GpuBackend device) : IDisposable
    {
        private readonly List<GpuBlock> blocks = [];
        private readonly List<(View Stored, View Floats)> written = [];

        /// <summary>An operand that is read: its floats, in the same layout.</summary>
        public View Read(in View x)
        {
            if (!x.IsStored || x.Count == 0) return x;
            var floats = Room(x);
            device.Widen(x, floats);
            return floats;
        }

        /// <summary>An operand that is written, having been read where <paramref name="reads"/>.</summary>
        /// <exception cref="NotSupportedException">Its elements are not dense.</exception>
        public View Write(in View y, bool reads = false)
        {
            if (!y.IsStored || y.Count == 0) return y;
            if (!y.Layout.IsContiguous || (y.Type == DType.Int8 && y.Layout.Offset % DTypes.GroupSize != 0))
                throw new NotSupportedException($"{device.Name} writes {y.Type} elements in dense order only.");
            var floats = reads ? Read(y) : Room(y);
            written.Add((y, floats));
            return floats;
        }

        public void Dispose()
        {
            foreach (var (stored, floats) in written) device.Round(floats, stored);
            foreach (var block in blocks) device.spares.Push(block);
        }

        private View Room(in View x)
        {
            var block = device.Spare(4 * x.Extent);
            blocks.Add(block);
            return new View(block, DType.F32, x.Layout with { Offset = 0 });
        }
    }

    /// <summary>Runs a kernel of two operands and a result with the floats of those that are stored.</summary>
    internal void WithFloats<TKernel>(
        in TKernel kernel, in View a, in View b, in View c, bool readsC, Func<TKernel, View, View, View, TKernel> with)
        where TKernel : struct, IKernel
    {
        using var floats = new FloatOperands(this);
        with(kernel, floats.Read(a), floats.Read(b), floats.Write(c, readsC)).On(this);
    }

    private GpuBlock Spare(long bytes)
    {
        if (spares.TryPop(out var block) && block.Bytes >= bytes) return block;
        if (block is not null) Free(block);
        return (GpuBlock)Allocate(bytes);
    }

    /// <summary>The floats of all elements from a view's first to its last.</summary>
    private void Widen(in View x, in View floats)
    {
        long extent = Extent(x);
        var y = ((GpuBlock)floats.Block!).All.Cast<float>().SubView(0, extent);
        var all = ((GpuBlock)x.Block!).All;
        if (x.Type == DType.BF16)
            Launch(StoredKernels.WidenHalves, Over(extent), Halves(all).SubView(x.Layout.Offset, extent), y);
        else if (x.Type == DType.Int8)
            Launch(StoredKernels.WidenGroups, Over(extent), Words(all), all.Cast<sbyte>(), y, x.Layout.Offset);
        else CopyOnHost(x.With(new Layout(extent, 1, x.Layout.Offset)), floats.With(new Layout(extent, 1, 0)), add: false);
    }

    private void Round(in View floats, in View y)
    {
        var x = ((GpuBlock)floats.Block!).All.Cast<float>().SubView(0, y.Count);
        var all = ((GpuBlock)y.Block!).All;
        var (drawn, key) = (y.Rounding is null ? 0 : 1, y.Rounding ?? default);
        if (y.Type == DType.BF16)
        {
            var to = Halves(all).SubView(y.Layout.Offset, y.Count);
            Launch(StoredKernels.RoundHalves, Over(y.Count), x, to, drawn, key.Seed, key.Stream, y.Layout.Offset);
        }
        else if (y.Type == DType.Int8)
        {
            var groups = Over((y.Count + DTypes.GroupSize - 1) / DTypes.GroupSize);
            long first = y.Layout.Offset / DTypes.GroupSize;
            Launch(StoredKernels.RoundGroups, groups, x, Words(all), all.Cast<sbyte>(), drawn, key.Seed, key.Stream, first);
        }
        else CopyOnHost(floats, y, add: false);
    }

    /// <summary>The two-byte elements of a view from its first to its last.</summary>
    internal static ArrayView<short> Halves(in View x) =>
        Halves(((GpuBlock)x.Block!).All).SubView(x.Layout.Offset, Extent(x));

    /// <summary>The whole numbers of two bytes in a block.</summary>
    private static ArrayView<short> Halves(ArrayView<byte> all) => all.SubView(0, all.Length / 2 * 2).Cast<short>();

    /// <summary>The whole floats in a block.</summary>
    private static ArrayView<float> Words(ArrayView<byte> all) => all.SubView(0, all.Length / 4 * 4).Cast<float>();

    /// <summary>A step part by part.</summary>
    private void UpdateStored<TOp>(TOp op, View g, View p, View s0, View s1) where TOp : unmanaged, IUpdate<TOp>
    {
        for (long i = 0; i < p.Count; i += StoredPart)
        {
            long n = Math.Min(StoredPart, p.Count - i);
            View Part(in View x) => x.IsAbsent ? x : x.With(new Layout(n, 1, x.Layout.Offset + i));
            using var floats = new FloatOperands(this);
            Update(op, floats.Read(Part(g)), floats.Write(Part(p), reads: true), Reads(Part(s0)), Reads(Part(s1)));

            View Reads(in View x) => x.IsAbsent ? x : floats.Write(x, reads: true);
        }
    }

    /// <summary>A row formula some rows at a time, which fill whole groups.</summary>
    private void RowStored<TOp>(TOp op, RowArgs args) where TOp : unmanaged, IRow<TOp>
    {
        long n = args.X.Shape[-1], rows = args.X.Count / n, part = Math.Max(1, StoredPart / n / DTypes.GroupSize) * DTypes.GroupSize;
        for (long row = 0; row < rows; row += part)
        {
            long count = Math.Min(part, rows - row);
            View Part(in View x, long width) =>
                x.IsAbsent ? x : x.With(new Layout((count, width), (width, 1), x.Layout.Offset + row * width));
            using var floats = new FloatOperands(this);
            Row(op, args with
            {
                X = floats.Read(Part(args.X, n)), Dy = floats.Read(Part(args.Dy, n)), Y = floats.Write(Part(args.Y, n), args.Add),
                Stats = Part(args.Stats, 2),
            });
        }
    }

    private double SumSquaresStored(View x)
    {
        double sum = 0;
        long part = x.Layout.IsContiguous ? StoredPart : Math.Max(1, x.Count);
        for (long i = 0; i < x.Count; i += part)
        {
            using var floats = new FloatOperands(this);
            var some = x.Layout.IsContiguous ? x.With(new Layout(Math.Min(part, x.Count - i), 1, x.Layout.Offset + i)) : x;
            sum += SumSquares(floats.Read(some));
        }

        return sum;
    }
}
