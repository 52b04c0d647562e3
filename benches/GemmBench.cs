using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mayfly.Benches;

/// <summary>
/// GFLOP/s of the matrix product at transformer shapes, on one and two threads, beside the peak of fused multiply-adds in the same run.
/// </summary>
public static unsafe class GemmBench
{
    private const double SecondsPerMeasurement = 0.01;

    /// <summary>
    /// A linear layer of <c>Outputs</c> by <c>Inputs</c> on <c>Tokens</c> rows; it multiplies forward, and backward for input and weight.
    /// </summary>
    private sealed record Layer(string Size, int Tokens, int Outputs, int Inputs);

    private static readonly Layer[] Layers =
    [
        new("S", 768, 384, 128), new("S", 768, 128, 128), new("S", 768, 512, 128), new("S", 768, 128, 512), new("S", 768, 65, 128),
        new("M", 1024, 1152, 384), new("M", 1024, 1536, 384), new("M", 1024, 384, 1536),
        new("L", 1024, 2304, 768), new("L", 1024, 3072, 768), new("L", 1024, 768, 3072), new("X", 1024, 50304, 768),
    ];

    private static readonly string[] Forms = ["NT", "NN", "TN"];

    /// <summary>
    /// Runs the sizes named in <paramref name="args"/> (S, M, L, or X for a large vocabulary; S, M and L if none), a number gives the
    /// rounds.
    /// </summary>
    public static int Run(string[] args)
    {
        int rounds = args.Select(a => int.TryParse(a, out int n) ? n : 0).Append(0).Max();
        string[] sizes = args.Where(a => !int.TryParse(a, out _)).DefaultIfEmpty("SML").ToArray();
        using Backend one = CpuBackends.Create(1), two = CpuBackends.Create(2);
        using Workers single = new(1), pair = new(2);
        Console.WriteLine($"{one.Name} and {two.Name}; GFLOP/s, median and best of interleaved rounds, best peak of fused multiply-adds");
        Console.WriteLine($"{"form (M, N, K)",-24}{"1 thread",10}{"best",8}{"peak",8}{"",6}{"2 threads",11}{"best",8}{"peak",8}");
        foreach (var layer in Layers.Where(l => sizes.Any(s => s.Contains(l.Size, StringComparison.OrdinalIgnoreCase))))
        {
            foreach (string form in Forms) Print(layer, form, one, two, single, pair, rounds == 0 ? 7 : rounds);
        }

        return 0;
    }

    private static void Print(Layer layer, string form, Backend one, Backend two, Workers single, Workers pair, int rounds)
    {
        var (m, n, k) = form switch
        {
            "NT" => (layer.Tokens, layer.Outputs, layer.Inputs),
            "NN" => (layer.Tokens, layer.Inputs, layer.Outputs),
            _ => (layer.Outputs, layer.Inputs, layer.Tokens),
        };
        View a = Matrix(one, m, k, form[0] == 'T'), b = Matrix(one, k, n, form[1] == 'T'), c = Matrix(one, m, n, false);
        var gemm = new Gemm<Identity> { A = a, B = b, C = c };
        double flops = 2.0 * m * n * k;
        var results = new List<double>[] { [], [], [], [] };
        for (int round = 0; round < rounds; round++)
        {
            results[0].Add(Rate(flops, () => one.Run(gemm)));
            results[1].Add(Peak(single));
            results[2].Add(Rate(flops, () => two.Run(gemm)));
            results[3].Add(Peak(pair));
        }

        double[] x = results.Select(Median).ToArray(), best = results.Select(r => r.Max()).ToArray();
        Console.WriteLine(
            $"{$"{form} ({m}, {n}, {k})",-24}{x[0],10:F1}{best[0],8:F1}{best[1],8:F1}{best[0] / best[1],6:P0}" +
            $"{x[2],11:F1}{best[2],8:F1}{best[3],8:F1}{best[2] / best[3],6:P0}");
        foreach (var view in new[] { a, b, c }) one.Free(view.Block!);
    }

    private static View Matrix(Backend backend, int rows, int columns, bool transposed)
    {
        var view = new View(backend.Allocate(4L * rows * columns), DType.F32, Layout.RowMajor((rows, columns)));
        new Span<float>(view.Floats(), checked(rows * columns)).Fill(0.5f);
        return transposed ? view.With(Layout.RowMajor((columns, rows)).Transpose(0, 1)) : view;
    }

    /// <summary>The fastest call of a short while: what the code can do between the interruptions of a shared machine.</summary>
    private static double Rate(double flops, Action run)
    {
        run();
        double fastest = double.MaxValue;
        long start = Stopwatch.GetTimestamp();
        do
        {
            long begin = Stopwatch.GetTimestamp();
            run();
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < SecondsPerMeasurement);
        return flops / fastest * 1e-9;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    private static double Peak(Workers workers)
    {
        var job = new PeakJob();
        return Rate((double)PeakJob.FlopsPerChunk * 4 * workers.Threads, () => workers.Run(ref job, 4 * workers.Threads));
    }

    /// <summary>Multiply-adds on registers alone: twelve independent sums hide their latency.</summary>
    private struct PeakJob : IJob
    {
        private const int Steps = 10_000;

        public static long FlopsPerChunk => 2L * 12 * Steps * (Vector512.IsHardwareAccelerated ? 16 : 8);

        public readonly void Run(int chunk)
        {
            float sum = Vector512.IsHardwareAccelerated ? Multiply<F16>() : Multiply<F8>();
            if (sum == 1f) throw new InvalidOperationException("The sums are used, so that they are computed.");
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float Multiply<V>() where V : struct, ISimd<V>
        {
            V a = V.Of(0.5f), b = V.Of(0.25f), s0 = a, s1 = a, s2 = a, s3 = a, s4 = a, s5 = a, s6 = a, s7 = a, s8 = a, s9 = a, s10 = a,
                s11 = a;
            for (int i = 0; i < Steps; i++)
            {
                s0 = V.Fma(s0, a, b); s1 = V.Fma(s1, a, b); s2 = V.Fma(s2, a, b); s3 = V.Fma(s3, a, b);
                s4 = V.Fma(s4, a, b); s5 = V.Fma(s5, a, b); s6 = V.Fma(s6, a, b); s7 = V.Fma(s7, a, b);
                s8 = V.Fma(s8, a, b); s9 = V.Fma(s9, a, b); s10 = V.Fma(s10, a, b); s11 = V.Fma(s11, a, b);
            }

            return (float)V.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11);
        }
    }
}
