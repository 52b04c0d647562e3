using System.Diagnostics;
using System.Globalization;

namespace Mayfly.Benches;

/// <summary>
/// Steps of a GPT on the processes that <c>mpirun -n N</c> has started: their time, what of it went into sums and weights on their way,
/// and what of that was hidden behind arithmetic; and what the rank that has most keeps.
/// </summary>
internal static class DistributedBench
{
    private const int WarmUp = 3;

    /// <summary>The command's entry.</summary>
    /// <param name="config">S, M, L or L64; its batch is shared.</param>
    /// <param name="steps">Timed steps, after three that are not.</param>
    /// <param name="threads">Of each rank; 0 takes every core.</param>
    public static int Run(string config, int steps, int threads)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var size = StepBench.Sizes[config];
        using var ranks = Launcher.Join();
        bool speaks = ranks.Rank == 0;
        if (speaks) Console.WriteLine($"GPT {config}, AdamW eager, {ranks.Ranks} ranks by {ranks.Name}");
        if (speaks) Console.WriteLine("weights  ms/step  on the way  waited for  hidden  kept, most  of all");
        foreach (bool isDivided in (bool[])[false, true])
        {
            var run = new Ranked(ranks, size, steps, threads, isDivided);
            if (speaks) Console.WriteLine($"{(isDivided ? "divided" : "whole"),-7}  {run}");
        }

        return 0;
    }

    /// <summary>A timed run.</summary>
    private sealed class Ranked
    {
        private readonly double milliseconds, busy, waited;
        private readonly long kept, all;

        public Ranked(ICollectives ranks, StepBench.Size size, int steps, int threads, bool isDivided)
        {
            using var exchange = new DataParallel(ranks);
            using var device = Device.CreateCpu(threads);
            var shape = StepBench.Shape("gpt", size);
            if (isDivided) ShardPlan.Of(ranks.Rank, ranks.Ranks, d => Make(d, shape, null).Item2).Use(device, exchange.Queue);
            var (model, updater) = Make(device, shape, exchange);
            int rows = Math.Max(1, size.Batch / ranks.Ranks);
            var times = new double[steps];
            for (int step = -WarmUp; step < steps; step++)
            {
                if (step == 0) (busy, waited) = (exchange.Queue.Busy.TotalMilliseconds, exchange.Queue.Waited.TotalMilliseconds);
                long start = Stopwatch.GetTimestamp();
                updater.Step(() => Loss(model, size, step * ranks.Ranks + ranks.Rank, rows));
                if (step >= 0) times[step] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }

            milliseconds = times.Order().ElementAt(steps / 2);
            busy = (exchange.Queue.Busy.TotalMilliseconds - busy) / steps;
            waited = (exchange.Queue.Waited.TotalMilliseconds - waited) / steps;
            var report = device.Arena.Report;
            var everyone = new double[ranks.Ranks];
            everyone[ranks.Rank] = report.Peak(Use.Weight) + report.Peak(Use.State) + report.Peak(Use.Gradient);
            exchange.Sum(everyone);
            (kept, all) = ((long)everyone.Max(), model.ParameterCount * 3 * sizeof(float));
            updater.Dispose();
            model.Dispose();
        }

        public override string ToString() => $"{milliseconds,7:F1}  {busy,10:F1}  {waited,10:F1}  {Math.Max(0, 1 - waited / busy),6:P0}  "
            + $"{kept / 1048576.0,6:F1} MiB  {(double)kept / all,6:P0}";

        private static (LanguageModel, Updater) Make(Device device, ModelConfig shape, DataParallel? exchange)
        {
            var model = shape.Create(device);
            return (model, new Updater(model.Parameters(), Route.Default(new AdamW()), new() { Exchange = exchange }));
        }

        private static Tensor Loss(LanguageModel model, StepBench.Size size, int batch, int rows)
        {
            int count = rows * size.Context;
            int[] ids = [.. Enumerable.Range(0, count).Select(i => (int)((uint)(i * 7919 + batch * 104729) % (uint)size.Vocabulary))];
            var tensor = Tensor.From<int>(ids, (rows, size.Context), model.Device);
            return model.Loss(tensor, tensor);
        }
    }
}
