using System.Runtime.InteropServices;

namespace Mayfly.Tests;

/// <summary>Attention with each size of tile; the simulated device chooses only the smallest by itself.</summary>
public class GpuAttentionTests
{
    private static readonly GpuBackend gpu = TestDevice.NewBackend();

    /// <summary>
    /// Edge, then queries, keys, heads, key heads, head size: several tiles of queries and of keys, an offset, several slices of a head.
    /// </summary>
    public static TheoryData<int, int, int, int, int, int, bool> Cases => new()
    {
        { 8, 13, 15, 4, 2, 9, true },
        { 32, 33, 33, 1, 1, 3, true },
        { 32, 3, 40, 2, 1, 3, true },
        { 32, 2, 3, 1, 1, 37, false },
        { 64, 66, 66, 1, 1, 3, true },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_tile_computes_the_reference(int edge, int queries, int keys, int heads, int groups, int size, bool causal)
    {
        gpu.AttentionEdge = edge;
        using var reference = new ReferenceBackend<D1>();
        double[][] actual = Run(gpu, queries, keys, heads, groups, size, causal),
            expected = Run(reference, queries, keys, heads, groups, size, causal);
        for (int i = 0; i < actual.Length; i++)
            for (int j = 0; j < actual[i].Length; j++)
                Assert.True(
                    Math.Abs(actual[i][j] - expected[i][j]) <= 2e-5 * (1 + Math.Abs(expected[i][j])),
                    $"result {i}, element {j} is {actual[i][j]:R}, expected {expected[i][j]:R}");
    }

    [Fact]
    public void The_log_sums_may_be_absent()
    {
        gpu.AttentionEdge = 8;
        View q = New(gpu, 1, (1, 3, 2, 4)), k = New(gpu, 2, (1, 5, 1, 4)), v = New(gpu, 3, (1, 5, 1, 4));
        var args = new Attend { Q = q, K = k, V = v, Y = New(gpu, 4, q.Shape), Lse = New(gpu, 5, (1, 2, 3)), Scale = 0.5, Causal = true };
        var without = args with { Y = New(gpu, 6, q.Shape), Lse = default };
        gpu.Run(args);
        gpu.Run(without);
        Assert.Equal(Read(gpu, args.Y), Read(gpu, without.Y));
    }

    [Fact]
    public void The_tiles_fit_their_groups_and_shared_memory()
    {
        foreach (var (edge, chunk) in new[] { Size<AttentionTile8>(), Size<AttentionTile32>(), Size<AttentionTile64>() })
        {
            Assert.InRange(edge / 4 * (edge / 8), 1, 256);
            Assert.InRange(chunk, edge / 4, edge);
            Assert.InRange((2 * chunk + edge) * (edge / 4 + 1) * 16, 1, 48 * 1024);
        }
    }

    private static (int Edge, int Chunk) Size<TTile>() where TTile : unmanaged, IAttentionTile => (TTile.Edge, TTile.Chunk);

    /// <summary>The smallest tile and the largest: the simulated device takes many seconds to compile each.</summary>
    [Theory]
    [InlineData(8, 13, 15, 4, 2, 9, true)]
    [InlineData(64, 66, 66, 1, 1, 3, true)]
    public void Each_tile_keeps_documents_apart(int edge, int queries, int keys, int heads, int groups, int size, bool causal)
    {
        gpu.AttentionEdge = edge;
        using var reference = new ReferenceBackend<D1>();
        int[] first = [.. Enumerable.Range(0, queries).Select(t => t % 11 == 3 ? -1 : t % 13 == 5 ? keys : (t + keys - queries) / 9 * 9)];
        double[][] actual = Run(gpu, queries, keys, heads, groups, size, causal, first),
            expected = Run(reference, queries, keys, heads, groups, size, causal, first);
        for (int i = 0; i < actual.Length; i++) Closeness.OfScale(1, 1e-4, actual[i], expected[i], $"result {i}");
    }

    /// <summary>y, lse and the gradients of one sequence.</summary>
    private static double[][] Run(Backend on, int queries, int keys, int heads, int groups, int size, bool causal, int[]? first = null)
    {
        Shape ofQueries = (1, queries, heads, size), ofKeys = (1, keys, groups, size);
        var forward = new Attend
        {
            Q = New(on, 1, ofQueries), K = New(on, 2, ofKeys), V = New(on, 3, ofKeys), Y = New(on, 4, ofQueries),
            Lse = New(on, 6, (1, heads, queries)), Top = New(on, 10, (1, heads, queries)),
            Scale = 1 / Math.Sqrt(size), Causal = causal, First = first is null ? default : Ids(on, first),
        };
        var back = new AttendBack(forward, New(on, 5, ofQueries), New(on, 7, ofQueries), New(on, 8, ofKeys), New(on, 9, ofKeys));
        on.Run(forward);
        on.Run(back);
        return [Read(on, forward.Y), Read(on, forward.Lse), Read(on, forward.Top), Read(on, back.Dq), Read(on, back.Dk), Read(on, back.Dv)];
    }

    private static View Ids(Backend on, int[] ids)
    {
        var view = new View(on.Allocate(ids.Length * sizeof(int)), DType.I32, Layout.RowMajor((1, ids.Length)));
        on.Write(view, MemoryMarshal.AsBytes(ids.AsSpan()));
        return view;
    }

    /// <summary>Numbers of [-2, 2) that depend on the seed alone.</summary>
    private static View New(Backend on, int seed, Shape shape)
    {
        var random = new Random(seed);
        var numbers = new float[shape.Count];
        foreach (ref float x in numbers.AsSpan()) x = 4f * random.NextSingle() - 2f;
        var view = new View(on.Allocate(shape.Count * on.Float.Size()), on.Float, Layout.RowMajor(shape));
        if (on.Float == DType.F32) on.Write(view, MemoryMarshal.AsBytes(numbers.AsSpan()));
        else on.Write(view, MemoryMarshal.AsBytes(Array.ConvertAll(numbers, x => (double)x).AsSpan()));
        return view;
    }

    private static double[] Read(Backend on, in View view)
    {
        var doubles = new double[view.Count];
        if (on.Float == DType.F64)
        {
            on.Read(view, MemoryMarshal.AsBytes(doubles.AsSpan()));
            return doubles;
        }

        var floats = new float[view.Count];
        on.Read(view, MemoryMarshal.AsBytes(floats.AsSpan()));
        return Array.ConvertAll(floats, x => (double)x);
    }
}
