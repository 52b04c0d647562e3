using System.Diagnostics;
using System.Globalization;

namespace Mayfly.Benches;

/// <summary>
/// Times whole training steps of a GPT or a Llama at fixed sizes on a fixed synthetic token stream (first-order Markov, entropy rate ln 4
/// nats), with AdamW (learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, weight decay 0.1 on every parameter) and a tied head, so that
/// another engine can be run on exactly the same work.
/// </summary>
internal static class StepBench
{
    private const int WarmUp = 3;

    /// <summary>The sizes of one configuration.</summary>
    internal sealed record Size(int Vocabulary, int Layers, int Heads, int Width, int Context, int Batch);

    /// <summary>The configurations by name.</summary>
    internal static readonly Dictionary<string, Size> Sizes = new()
    {
        ["S"] = new(65, 4, 4, 128, 64, 12),
        ["M"] = new(65, 6, 6, 384, 256, 4),
        ["L"] = new(50304, 12, 12, 768, 256, 4),
        ["L64"] = new(50304, 12, 12, 768, 64, 4),
    };

    /// <summary>What to time.</summary>
    /// <param name="Kind">gpt or llama, at the same sizes.</param>
    /// <param name="Config">S, M, L or L64.</param>
    /// <param name="Steps">Timed steps, after three that are not.</param>
    /// <param name="Mode">eager or deferred.</param>
    internal sealed record Order(string Kind, string Config, int Steps, string Mode)
    {
        /// <summary>0 takes all cores.</summary>
        public int Threads { get; init; }

        /// <summary>Of the initial weights.</summary>
        public ulong Seed { get; init; } = 1337;

        /// <summary>Prints the time of each kernel as well, beside the machine's limits; of the CPU only.</summary>
        public bool Profile { get; init; }

        /// <summary>Where.</summary>
        public string Device { get; init; } = "cpu";

        /// <summary>Steps between readings of the loss and of norms.</summary>
        public int ReadEvery { get; init; } = 1;

        /// <summary>The largest norm of all gradients; 0 does not clip.</summary>
        public double Clip { get; init; }
    }

    /// <summary>The command's entry.</summary>
    public static int Run(Order order)
    {
        var (kind, config, steps, mode) = order;
        var (threads, seed, profile) = (order.Threads, order.Seed, order.Profile);
        if (profile && order.Device != "cpu") return Fail("step: --profile times the kernels of the CPU; leave out --device.");
        if (!Sizes.TryGetValue(config, out var size))
            return Fail($"step: there is no configuration '{config}'; choose {string.Join(", ", Sizes.Keys)}.");
        if (kind is not ("gpt" or "llama")) return Fail($"step: there is no model '{kind}'; choose gpt or llama.");
        if (mode is not ("eager" or "deferred")) return Fail($"step: there is no mode '{mode}'; choose eager or deferred.");
        if (steps < 1) return Fail($"step: {steps} steps; take at least 1.");
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var meter = profile ? new CountingBackend(CpuBackends.Create(threads, 0)) : null;
        using var device = meter is null ? Device.Open(order.Device, threads) : new Device(meter);
        var shape = Shape(kind, size);
        Rehearsal.Of(device, dry =>
        {
            using var planned = shape.Create(dry);
            using var stepping = NewUpdater(planned, order);
            new Training(planned, stepping, size, 1).Go(() => { });
        });
        using var model = shape.Create(device, seed);
        using var updater = NewUpdater(model, order);
        var run = new Training(model, updater, size, steps);
        var counts = (device.Backend as GpuBackend)?.Meter;
        run.Go(() =>
        {
            meter?.Calls.Clear();
            counts?.Clear();
        });
        Print($"{kind} {config}", shape, size.Batch, mode, model, run);
        if (counts is not null) Print(counts, steps);
        var limits = profile ? Limits.Measure(threads > 0 ? threads : Environment.ProcessorCount) : null;
        if (meter is not null) ProfileTable.Print(meter.Calls, steps, run.Times.Sum(), limits!);
        return 0;
    }

    private static Updater NewUpdater(LanguageModel model, Order order) => new(model.Parameters(),
        new Route().Otherwise(new AdamW { WeightDecay = 0.1 }, order.Mode == "eager" ? UpdateMode.Eager : UpdateMode.Deferred),
        new UpdaterOptions
        {
            Schedule = 1e-3, Seed = order.Seed, ReadEvery = order.ReadEvery, MaxNorm = order.Clip > 0 ? order.Clip : null,
        });

    /// <summary>The hidden size is the customary one of each: 4 widths, or 8/3 rounded up to a multiple of 32.</summary>
    internal static ModelConfig Shape(string kind, Size s)
    {
        ModelConfig start = kind == "gpt"
            ? new GptConfig { VocabularySize = s.Vocabulary, Hidden = 4 * s.Width }
            : new LlamaConfig { VocabularySize = s.Vocabulary, Hidden = (8 * s.Width / 3 + 31) / 32 * 32 };
        return start with { Layers = s.Layers, Heads = s.Heads, Width = s.Width, Context = s.Context, TiedHead = true };
    }

    private static void Print(string name, ModelConfig s, int batch, string mode, LanguageModel model, Training run)
    {
        int tokens = batch * s.Context;
        double median = run.Times.Order().ElementAt(run.Times.Length / 2), best = run.Times.Min(), gigaflops = Flops(s, tokens) / 1e9;
        var shown = run.Losses.Length > 6 ? run.Losses[..3].Concat(run.Losses[^3..]) : run.Losses;
        var arena = model.Device.Arena.Report;
        Console.WriteLine($"mayfly {typeof(Tensor).Assembly.GetName().Version!.ToString(3)} config {name} V={s.VocabularySize} "
            + $"L={s.Layers} H={s.Heads} D={s.Width} T={s.Context} B={batch} "
            + $"params {model.ParameterCount / 1e6:F3}M {model.Device.Name} opt adamw mode {mode}");
        Console.WriteLine("loss trace: " + string.Join(" ", shown.Select(l => $"{l:F4}")));
        Console.WriteLine($"mean of the last 5 losses {run.Losses.TakeLast(5).Average():F4}");
        Console.WriteLine($"ms/step median {median * 1e3:F2} min {best * 1e3:F2} | tokens/s median {tokens / median:F0} best "
            + $"{tokens / best:F0} | "
            + $"matmul GFLOP/step {gigaflops:F2} -> {gigaflops / median:F1} GFLOP/s");
        Console.WriteLine($"peak RSS {PeakResidentBytes() / 1048576.0:F0} MiB");
        Console.WriteLine($"managed bytes/step {run.ManagedBytesPerStep:N0} | collections in {run.Times.Length} steps: "
            + string.Join(", ", run.Collections.Select((count, generation) => $"generation {generation} {count}")));
        Console.WriteLine("arena peak MiB: " + string.Join(", ", Enum.GetValues<Use>().Select(u => $"{u.ToString().ToLowerInvariant()} "
            + $"{arena.Peak(u) / 1048576.0:F1}"))
            + $" | together {arena.PeakBytes / 1048576.0:F1}, reserved {arena.ReservedBytes / 1048576.0:F1}");
    }

    private static void Print(GpuMeter counts, int steps)
    {
        double each = 1.0 / steps;
        Console.WriteLine($"a step: launches {counts.Launches * each:F1}, waits {counts.Waits * each:F1}, "
            + $"bytes read {counts.ReadBytes * each:N0}, written {counts.WrittenBytes * each:N0} | kernels compiled {counts.Compiled}");
        Console.WriteLine("launches: " + string.Join(", ",
            counts.ByKernel.OrderByDescending(k => k.Value).Select(k => $"{k.Key} {k.Value * each:F1}")));
    }

    /// <summary>
    /// Useful floating-point operations of the matrix products of a step, forward and backward, attention counted in full.
    /// </summary>
    private static double Flops(ModelConfig s, double tokens)
    {
        double width = s.Width, mlp = (s is LlamaConfig ? 3 : 2) * width * s.Hidden;
        double linear = s.Layers * (4 * width * width + mlp) + s.VocabularySize * width;
        return 6 * tokens * linear + 6 * (s.Layers * 2.0 * s.Context * width * tokens);
    }

    /// <summary>The most resident memory that the process has had.</summary>
    internal static long PeakResidentBytes()
    {
        if (!OperatingSystem.IsLinux()) return Process.GetCurrentProcess().PeakWorkingSet64;
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
        return long.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;
    }

    /// <summary>One line about a mistake on the command line, and the exit code for it.</summary>
    internal static int Fail(string message)
    {
        Console.Error.WriteLine(message);
        return 2;
    }

    /// <summary>The steps themselves.</summary>
    private sealed class Training(LanguageModel model, Updater updater, Size size, int steps)
    {
        private readonly int[] stream = MarkovStream((steps + WarmUp) * size.Batch * size.Context + 1, Math.Min(size.Vocabulary, 64));

        public double[] Times { get; } = new double[steps];

        public double[] Losses { get; } = new double[steps];

        public long ManagedBytesPerStep { get; private set; }

        /// <summary>Collections of each generation in the timed steps; one of a generation counts for those below it too.</summary>
        public int[] Collections { get; private set; } = [];

        /// <param name="begin">Runs between the warm-up and the timed steps.</param>
        public void Go(Action begin)
        {
            for (int i = 0; i < WarmUp; i++) Step(i);
            begin();
            long allocated = GC.GetTotalAllocatedBytes(precise: true);
            int[] collected = Counts();
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < steps; i++)
            {
                Losses[i] = Step(WarmUp + i);
                if (i == steps - 1) model.Device.Backend.Synchronize(); // what a device still has to do belongs to these steps
                long now = Stopwatch.GetTimestamp();
                Times[i] = Stopwatch.GetElapsedTime(start, now).TotalSeconds;
                start = now;
            }

            ManagedBytesPerStep = (GC.GetTotalAllocatedBytes(precise: true) - allocated) / steps;
            Collections = [.. Counts().Zip(collected, (after, before) => after - before)];
        }

        private static int[] Counts() => [.. Enumerable.Range(0, GC.MaxGeneration + 1).Select(GC.CollectionCount)];

        private double Step(int index)
        {
            int n = size.Batch * size.Context, at = index * n;
            using var ids = Tensor.From<int>(stream.AsSpan(at, n), (size.Batch, size.Context), model.Device);
            using var targets = Tensor.From<int>(stream.AsSpan(at + 1, n), (size.Batch, size.Context), model.Device);
            return updater.Step(() => model.Loss(ids, targets)).Loss;
        }

        private static int[] MarkovStream(int length, int symbols)
        {
            var tokens = new int[length];
            long state = 12345;
            int last = 1;
            for (int i = 0; i < length; i++)
            {
                state = state * 1103515245 + 12345 & 0x7FFFFFFF;
                last = (5 * last + 7 + (int)(state >> 16 & 3)) % symbols;
                tokens[i] = last;
            }

            return tokens;
        }
    }
}
