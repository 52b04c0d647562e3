using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace Mayfly.Tests;

/// <summary>
/// What every backend must do, run once per backend by a thin class below. Each kernel family has its own file with a part of this class.
/// Views made by the methods below live until the test ends.
/// </summary>
public abstract unsafe partial class BackendTests : IDisposable
{
    private readonly List<(Backend Owner, Block Block)> blocks = [];
    private readonly List<Backend> backends = [];

    protected BackendTests()
    {
        Device = Own(Create(2));
        Reference = new ReferenceBackend<D1>();
        Own(Reference);
    }

    /// <summary>How a random view lies in its block.</summary>
    public enum Spread
    {
        /// <summary>Row-major without gaps.</summary>
        Dense,

        /// <summary>Row-major with unused elements after each row and each outer slice; the last axis is dense.</summary>
        Gaps,

        /// <summary>Every second element, with unused elements after each row.</summary>
        Sparse,

        /// <summary>Axes in reverse order: the first axis is dense.</summary>
        Turned,
    }

    /// <summary>The backend under test, with two threads.</summary>
    protected Backend Device { get; }

    /// <summary>The specification in double precision.</summary>
    protected Backend Reference { get; }

    protected abstract Backend Create(int threads);

    /// <summary>Ends the use of a backend that <see cref="Create"/> gave, or of the reference.</summary>
    protected virtual void Release(Backend backend) => backend.Dispose();

    /// <summary>The largest extent of the bigger tests: less on a device whose lanes are threads of the host.</summary>
    protected virtual int LargestExtent => int.MaxValue;

    public void Dispose()
    {
        foreach (var (owner, block) in blocks) owner.Free(block);
        foreach (var backend in backends) Release(backend);
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// A view of floats on the device; it and the unused elements around it hold numbers of [-scale, scale) that depend on the seed alone.
    /// </summary>
    protected View Random(int seed, Shape shape, Spread spread = Spread.Dense, float scale = 1f) =>
        Random(Device, seed, shape, spread, scale);

    protected View Random(Backend on, int seed, Shape shape, Spread spread = Spread.Dense, float scale = 1f)
    {
        var layout = Lay(shape, spread, out long count);
        var view = new View(Own(on, on.Allocate(4 * count)), DType.F32, layout);
        var random = new Random(seed);
        Edit<float>(view, all => { foreach (ref float x in all) x = scale * (2f * random.NextSingle() - 1f); });
        return view;
    }

    /// <summary>A contiguous view of floats on the device.</summary>
    protected View Floats(Shape shape, params ReadOnlySpan<float> values)
    {
        var view = new View(Own(Device, Device.Allocate(4 * shape.Count)), DType.F32, Layout.RowMajor(shape));
        Put(view, Padded(values, shape.Count));
        return view;
    }

    /// <summary>A contiguous view of integers on the device.</summary>
    protected View Integers(Shape shape, params ReadOnlySpan<int> values) => Integers(Device, shape, values);

    protected View Integers(Backend on, Shape shape, params ReadOnlySpan<int> values)
    {
        var view = new View(Own(on, on.Allocate(4 * shape.Count)), DType.I32, Layout.RowMajor(shape));
        Put(view, Padded(values, shape.Count));
        return view;
    }

    /// <summary>
    /// The same view on the reference: floats become doubles, integers stay; the unused elements come along. An absent view stays absent.
    /// </summary>
    protected View Mirror(in View view)
    {
        if (view.IsAbsent) return view;
        var type = view.Type == DType.F32 ? DType.F64 : view.Type;
        long count = view.Block!.Bytes / view.Type.Size();
        var mirror = new View(Own(Reference, Reference.Allocate(count * type.Size())), type, view.Layout);
        if (type != DType.F64) Put(mirror, All<int>(view));
        else Put(mirror, Array.ConvertAll(All<float>(view), x => (double)x));
        return mirror;
    }

    /// <summary>A copy of the view and of its unused elements on the same device.</summary>
    protected View Clone(in View view)
    {
        var clone = view with { Block = Own(Device, Device.Allocate(view.Block!.Bytes)) };
        Put(clone, All<byte>(view));
        return clone;
    }

    /// <summary>The elements of a view of floats or doubles in row-major order.</summary>
    protected static double[] Values(in View view)
    {
        double[] values = new double[view.Count], all = Numbers(view);
        for (long i = 0; i < values.Length; i++) values[i] = all[view.Layout.Place(i)];
        return values;
    }

    /// <summary>
    /// Each element of <paramref name="actual"/> is within absolute + relative * |expected| of <paramref name="expected"/>, its mirror, and
    /// the unused elements around it are untouched. Not-a-numbers and infinities must stand at the same places.
    /// </summary>
    protected static void Near(in View actual, in View expected, double relative = 1e-5, double absolute = 1e-5, string what = "",
        [CallerMemberName] string test = "")
    {
        Assert.Equal(expected.Shape, actual.Shape);
        double[] found = Numbers(actual), wanted = Numbers(expected);
        var used = new bool[found.Length];
        for (long i = 0; i < actual.Count; i++)
        {
            long place = actual.Layout.Place(i);
            used[place] = true;
            double x = found[place], y = wanted[expected.Layout.Place(i)];
            if (x.Equals(y) || Math.Abs(x - y) <= absolute + relative * Math.Abs(y)) continue;
            Assert.Fail($"{test} {what}: element {i} of {actual.Shape}, strides {actual.Layout.Strides}, is {x:R}, expected {y:R} "
                + $"(off by {Math.Abs(x - y):E2}).");
        }

        for (int place = 0; place < used.Length; place++)
            if (!used[place] && found[place] != wanted[place])
                Assert.Fail($"{test} {what}: wrote {found[place]:R} at place {place}, "
                    + $"outside {actual.Shape}, strides {actual.Layout.Strides}.");
    }

    /// <summary>Both views hold the same bits in the same order.</summary>
    protected static void SameBits(in View actual, in View expected, string what = "", [CallerMemberName] string test = "")
    {
        Assert.Equal(expected.Shape, actual.Shape);
        int[] found = All<int>(actual), wanted = All<int>(expected);
        for (long i = 0; i < actual.Count; i++)
        {
            int x = found[actual.Layout.Place(i)], y = wanted[expected.Layout.Place(i)];
            if (x == y) continue;
            Assert.Fail($"{test} {what}: element {i} of {actual.Shape} is {BitConverter.Int32BitsToSingle(x):R}, "
                + $"expected the bits of {BitConverter.Int32BitsToSingle(y):R}.");
        }
    }

    /// <summary>Runs a computation on the backend with 1, 2 and 3 threads; the views it returns must have the same bits.</summary>
    protected void SameBitsForAnyThreads(Func<Backend, View[]> run, string what = "", [CallerMemberName] string test = "")
    {
        var expected = run(Own(Create(1)));
        for (int threads = 2; threads <= 3; threads++)
        {
            var actual = run(Own(Create(threads)));
            for (int i = 0; i < expected.Length; i++)
                SameBits(actual[i], expected[i], $"{what}, result {i}, {threads} threads against 1", test);
        }
    }

    /// <summary>A copy of all elements of the view's block, the unused ones included.</summary>
    protected static T[] All<T>(in View view) where T : unmanaged
    {
        var all = new T[view.Block!.Bytes / sizeof(T)];
        var bytes = MemoryMarshal.AsBytes(all.AsSpan());
        if (view.Block is HostBlock host) new Span<byte>(host.Pointer, bytes.Length).CopyTo(bytes);
        else if (bytes.Length > 0) DeviceBytes(view, bytes.Length).CopyToCPU(bytes);
        return all;
    }

    /// <summary>Changes elements of the view's block, in a copy that then replaces them all.</summary>
    protected static void Edit<T>(in View view, Change<T> change) where T : unmanaged
    {
        var all = All<T>(view);
        change(all);
        Put(view, all);
    }

    /// <summary>What <see cref="Edit"/> does to the elements.</summary>
    protected delegate void Change<T>(Span<T> all);

    private static void Put<T>(in View view, T[] all) where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(all.AsSpan());
        if (view.Block is HostBlock host) bytes.CopyTo(new Span<byte>(host.Pointer, (int)host.Bytes));
        else if (bytes.Length > 0) DeviceBytes(view, bytes.Length).CopyFromCPU(bytes);
    }

    /// <summary>A device's memory has no address here: only the driver copies it.</summary>
    private static ArrayView<byte> DeviceBytes(in View view, int count)
    {
        if (Owners.TryGetValue(view.Block!, out var owner)) owner.Synchronize(); // what was asked for may wait there
        return ((GpuBlock)view.Block!).All.SubView(0, count);
    }

    private static T[] Padded<T>(ReadOnlySpan<T> values, long count)
    {
        var all = new T[count];
        values.CopyTo(all);
        return all;
    }

    /// <summary>All elements of the view's block as doubles.</summary>
    private static double[] Numbers(in View view) => view.Type switch
    {
        DType.F64 => All<double>(view),
        DType.I32 => Array.ConvertAll(All<int>(view), x => (double)x),
        _ => Array.ConvertAll(All<float>(view), x => (double)x),
    };

    /// <summary>The layout of a shape and the number of elements of the block that holds it.</summary>
    private static Layout Lay(Shape shape, Spread spread, out long count)
    {
        var order = Enumerable.Range(0, shape.Rank).ToArray(); // inner axes last
        if (spread == Spread.Turned) Array.Reverse(order);
        bool gaps = spread is Spread.Gaps or Spread.Sparse;
        var strides = new long[shape.Rank];
        long step = spread == Spread.Sparse ? 2 : 1, offset = spread == Spread.Dense ? 0 : 3;
        foreach (int axis in order.Reverse())
        {
            strides[axis] = step;
            step = step * shape[axis] + (gaps ? 5 : 0);
        }

        count = offset + step + 1;
        if (spread == Spread.Dense) count = shape.Count;
        return new Layout(shape, new Shape(strides), offset);
    }

    private Backend Own(Backend backend)
    {
        backends.Add(backend);
        return backend;
    }

    private static readonly ConditionalWeakTable<Block, Backend> Owners = [];

    private Block Own(Backend owner, Block block)
    {
        blocks.Add((owner, block));
        Owners.AddOrUpdate(block, owner);
        return block;
    }
}

public sealed class Cpu128Tests : BackendTests
{
    protected override Backend Create(int threads) => new CpuBackend<F4>(threads);
}

public sealed class Cpu256Tests : BackendTests
{
    protected override Backend Create(int threads) => new CpuBackend<F8>(threads);
}

public sealed class Cpu512Tests : BackendTests
{
    protected override Backend Create(int threads) => new CpuBackend<F16>(threads);
}

/// <summary>The GPU kernels on <see cref="TestDevice"/>. One backend serves all tests, since each compiles its kernels anew.</summary>
public sealed class IlgpuCpuTests : BackendTests
{
    private static readonly GpuBackend shared = TestDevice.NewBackend();

    protected override Backend Create(int threads) => shared;

    protected override void Release(Backend backend)
    {
        if (backend != shared) base.Release(backend);
    }

    protected override int LargestExtent => TestDevice.IsSimulated ? 70 : base.LargestExtent;
}
