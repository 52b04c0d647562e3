using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mayfly.Benches;

/// <summary>What the machine can do at most, measured beside whatever is judged by it.</summary>
/// <param name="Gigaflops">Fused multiply-adds on registers.</param>
/// <param name="Memory">GB/s of a sum of two arrays that no cache holds, reading two and writing one.</param>
/// <param name="Cache">GB/s of the same sum over a megabyte.</param>
internal sealed record Limits(double Gigaflops, double Memory, double Cache)
{
    private const double SecondsPerMeasurement = 0.01;

    /// <summary>Bytes of a call that the caches keep from one call to the next.</summary>
    private const double Cached = 1 << 20;

    /// <summary>Measures the limits with this many threads; takes about a second.</summary>
    public static Limits Measure(int threads)
    {
        using Workers workers = new(threads);
        using var backend = CpuBackends.Create(threads);
        return new(Enumerable.Range(0, 5).Max(_ => Peak(workers)), Sum(backend, 1 << 25), Sum(backend, 1 << 16));
    }

    /// <summary>The least seconds for a call: it moves and computes at once.</summary>
    public double Seconds(KernelCost call) =>
        1e-9 * Math.Max(call.Bytes / (call.Bytes <= Cached ? Cache : Memory), call.Flops / Gigaflops);

    /// <summary>
    /// Units of work a second, in 1e9, of the fastest call of a short while: what the code can do between the interruptions of a shared
    /// machine.
    /// </summary>
    public static double Rate(double work, Action run)
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
        return work / fastest * 1e-9;
    }

    private static double Sum(Backend backend, long count)
    {
        View a = Vector(backend, count), b = Vector(backend, count), c = Vector(backend, count);
        double best = Enumerable.Range(0, 5).Max(_ => Rate(3 * 4.0 * count, () => backend.Map2(new Add(), a, b, c)));
        foreach (var view in new[] { a, b, c }) backend.Free(view.Block!);
        return best;
    }

    private static View Vector(Backend backend, long count)
    {
        var view = new View(backend.Allocate(4 * count), DType.F32, Layout.RowMajor(new Shape(count)));
        backend.Fill(view, 0.5);
        return view;
    }

    /// <summary>Operations a second of fused multiply-adds on registers, in units of 1e9.</summary>
    public static double Peak(Workers workers)
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
