using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mayfly.Benches;

/// <summary>
/// Attention forward and backward at the sizes of small GPTs, against the fused multiply-add peak of the same run and against a loop of
/// matrix products per head. That loop neither masks nor skips the future, so it is not even right; it shows what the tiles gain.
/// </summary>
internal static unsafe class AttentionBench
{
    private readonly record struct Sizes(string Name, int B, int H, int T, int D)
    {
        /// <summary>Operations of one of the products, causal: half of T x T and its diagonal.</summary>
        public double Product => (double)B * H * T * (T + 1) * D;
    }

    private readonly struct Softmax : IRow<Softmax>
    {
        public static int Stages => 2;

        public static FoldKind Kind(int stage) => stage == 0 ? FoldKind.Max : FoldKind.Sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V> =>
            a = b = stage == 0 ? e.X : V.Exp(e.X - s.Shift);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
        {
            if (stage == 0) s.Shift = a;
            else s.Scale = V.Of(1f) / a;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => V.Exp(e.X - s.Shift) * s.Scale;
    }

    private readonly struct SoftmaxBack : IRow<SoftmaxBack>
    {
        public static int Stages => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V> => a = b = e.X * e.Dy;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V> => s.A = a;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => e.X * (e.Dy - s.A);
    }

    /// <summary>Prints one line per size. Options: the number of threads (1), then the number of repetitions (40).</summary>
    public static int Run(string[] args)
    {
        int threads = args.Length > 0 ? int.Parse(args[0]) : 1, repeats = args.Length > 1 ? int.Parse(args[1]) : 40;
        using var device = CpuBackends.Create(threads);
        string clock = threads == 1 ? "processor time" : "wall time";
        Console.WriteLine($"{device.Name}; best of {repeats} interleaved runs, {clock}; GFLOP/s count the causal half only");
        Sizes[] all =
        [
            new("S", 12, 4, 64, 32), new("M", 4, 6, 256, 64), new("L", 4, 12, 256, 64), new("T1024", 1, 4, 1024, 64),
            new("D128", 1, 4, 256, 128),
        ];
        foreach (var sizes in all) Measure(device, sizes, threads, repeats);
        return 0;
    }

    private static void Measure(Backend device, Sizes c, int threads, int repeats)
    {
        List<Block> blocks = [];
        View fused = New((c.B, c.T, 3 * c.H, c.D)), dFused = New((c.B, c.T, 3 * c.H, c.D));
        View Part(View of, int part) => of.With(of.Layout.Slice(2, part * c.H, c.H));
        var attend = new Attend
        {
            Q = Part(fused, 0), K = Part(fused, 1), V = Part(fused, 2), Y = New((c.B, c.T, c.H, c.D)), Lse = New((c.B, c.H, c.T)),
            Scale = 1 / Math.Sqrt(c.D), Causal = true,
        };
        var back = new AttendBack(attend, New((c.B, c.T, c.H, c.D)), Part(dFused, 0), Part(dFused, 1), Part(dFused, 2));
        View p = New((c.T, c.T)), dp = New((c.T, c.T));
        var times = new double[5][];
        for (int i = 0; i < times.Length; i++) times[i] = new double[repeats];
        for (int i = -5; i < repeats; i++)
        {
            int at = Math.Max(i, 0);
            times[0][at] = Time(threads, () => device.Run(attend));
            times[1][at] = Time(threads, () => device.Run(back));
            times[2][at] = Time(threads, () => EachHead(attend, (b, h) => HeadForward(device, attend, b, h, p)));
            times[3][at] = Time(threads, () => EachHead(attend, (b, h) => HeadBackward(device, back, b, h, p, dp)));
            times[4][at] = Time(threads, () => Peak(1 << 18));
        }

        var best = times.Select(t => t.Min()).ToArray();
        double peak = threads * (1 << 18) * 12 * 32 / best[4], forward = 2 * c.Product / best[0], backward = 5 * c.Product / best[1];
        Console.WriteLine($"{c.Name,-6} B {c.B} H {c.H} T {c.T} D {c.D}: "
            + $"forward {1e6 * best[0]:F0} us {forward / 1e9:F1} GFLOP/s ({forward / peak:P0} of peak), "
            + $"backward {1e6 * best[1]:F0} us {backward / 1e9:F1} GFLOP/s ({backward / peak:P0}); "
            + $"both {(best[2] + best[3]) / (best[0] + best[1]):F2}x as fast as products per head "
            + $"(forward {best[2] / best[0]:F2}x, backward {best[3] / best[1]:F2}x); peak {peak / 1e9:F0}");
        foreach (var block in blocks) device.Free(block);

        View New(Shape shape)
        {
            var block = device.Allocate(4 * shape.Count);
            blocks.Add(block);
            var random = new Random(blocks.Count);
            foreach (ref float x in new Span<float>(((HostBlock)block).Pointer, (int)shape.Count)) x = 2f * random.NextSingle() - 1f;
            return new View(block, DType.F32, Layout.RowMajor(shape));
        }
    }

    /// <summary>
    /// Seconds: of this process on the processor with one thread, so that neighbours on the machine count less; else by the clock.
    /// </summary>
    private static double Time(int threads, Action run)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        run();
        return threads == 1 ? (Environment.CpuUsage.TotalTime - cpu).TotalSeconds : Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void EachHead(in Attend args, Action<int, int> run)
    {
        for (int b = 0; b < args.Q.Shape[0]; b++)
            for (int h = 0; h < args.Q.Shape[2]; h++) run(b, h);
    }

    private static void HeadForward(Backend device, in Attend args, int b, int h, View p)
    {
        Probabilities(device, args, b, h, p);
        Product(device, p, Head(args.V, b, h), Head(args.Y, b, h));
    }

    private static void HeadBackward(Backend device, in AttendBack back, int b, int h, View p, View dp)
    {
        var args = back.Forward;
        Probabilities(device, args, b, h, p);
        Product(device, Turn(p), Head(back.Dy, b, h), Head(back.Dv, b, h));
        Product(device, Head(back.Dy, b, h), Turn(Head(args.V, b, h)), dp);
        device.Row(new SoftmaxBack(), new RowArgs { X = p, Dy = dp, Y = dp });
        Product(device, dp, Head(args.K, b, h), Head(back.Dq, b, h), (float)args.Scale);
        Product(device, Turn(dp), Head(args.Q, b, h), Head(back.Dk, b, h), (float)args.Scale);
    }

    private static void Probabilities(Backend device, in Attend args, int b, int h, View p)
    {
        Product(device, Head(args.Q, b, h), Turn(Head(args.K, b, h)), p, (float)args.Scale);
        device.Row(new Softmax(), new RowArgs { X = p, Y = p });
    }

    private static void Product(Backend device, View a, View b, View c, float alpha = 1f) =>
        device.Run(new Gemm<Identity> { A = a, B = b, C = c, Alpha = alpha });

    private static View Turn(View x) => x.With(x.Layout.Transpose(0, 1));

    /// <summary>The (time, size) matrix of one head.</summary>
    private static View Head(View x, int b, int h)
    {
        var layout = x.Layout.Slice(0, b, 1).Slice(2, h, 1);
        return x.With(new Layout((layout.Shape[1], layout.Shape[3]), (layout.Strides[1], layout.Strides[3]), layout.Offset));
    }

    /// <summary>Twelve independent chains of fused multiply-adds in registers, 32 operations each step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector512<float> Peak(int steps)
    {
        Vector512<float> x = Vector512.Create(0.999f), y = Vector512.Create(1e-3f);
        Vector512<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (; steps > 0; steps--)
        {
            a = Vector512.FusedMultiplyAdd(a, x, y);
            b = Vector512.FusedMultiplyAdd(b, x, y);
            c = Vector512.FusedMultiplyAdd(c, x, y);
            d = Vector512.FusedMultiplyAdd(d, x, y);
            e = Vector512.FusedMultiplyAdd(e, x, y);
            f = Vector512.FusedMultiplyAdd(f, x, y);
            g = Vector512.FusedMultiplyAdd(g, x, y);
            h = Vector512.FusedMultiplyAdd(h, x, y);
            i = Vector512.FusedMultiplyAdd(i, x, y);
            j = Vector512.FusedMultiplyAdd(j, x, y);
            k = Vector512.FusedMultiplyAdd(k, x, y);
            l = Vector512.FusedMultiplyAdd(l, x, y);
        }

        return a + b + c + d + e + f + g + h + i + j + k + l;
    }
}
