using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Mayfly.Benches;

/// <summary>
/// What each rule's step over the parameters of GPT-2 124M (vocabulary 50304) costs beside the bytes it must move: a hand-written loop
/// streams the same tensors with the same reads and writes in turns with the rule. Apollo's projection is set beside a large product too:
/// its share of the larger of both times is that of the roofline, its share of the sum that of doing one after the other. Then Muon at size
/// M beside its arithmetic, and GaLore's refresh.
/// </summary>
internal static class RulesBench
{
    private const int Rank = 256;

    /// <summary>A pass over a tensor of a parameter's size: the gradient is read, and so many tensors are read and written.</summary>
    /// <param name="Updates">Tensors read and written.</param>
    private readonly record struct Pass(int Updates)
    {
        public int Bytes => 4 + 8 * Updates;
    }

    /// <summary>A rule, and the passes over a weight of several rows and columns that it makes, and over any other.</summary>
    private sealed record Line(string Name, Func<Rule> Make, Pass[] Hidden, Pass[] Other)
    {
        /// <summary>The rank to which hidden matrices are projected, for the arithmetic of it.</summary>
        public int Rank { get; init; }
    }

    private static readonly Pass Read = new(0), Weight = new(1);
    private static readonly Pass[] Adam = [new(3)], Once = [Weight], Factored = [Read, Read, Read, Weight];

    private static readonly Line[] Lines =
    [
        new("norm of the gradient", () => new Nothing(), [Read], [Read]),
        new("LOMO", () => new Lomo(), Once, Once),
        new("SGD with momentum", () => new Sgd { Momentum = 0.9 }, [new(2)], [new(2)]),
        new("AdamW", () => new AdamW(), Adam, Adam),
        new("AdaLomo", () => new AdaLomo(), Factored, Factored),
        new("Adafactor", () => Adafactor.HuggingFace, Factored, Factored),
        new("Adafactor, PyTorch's", () => Adafactor.Torch, Factored, Factored),
        new("Apollo-Mini", () => Apollo.Mini, [Read, Read, Weight], Adam) { Rank = 1 },
        new("Apollo, rank 32", () => new Apollo { Rank = 32 }, [Read, Read, Weight], Adam) { Rank = 32 },
        new("Apollo, rank 192", () => new Apollo(), [Read, Read, Weight], Adam) { Rank = 192 },
        new("Apollo, rank 256", () => new Apollo { Rank = Rank }, [Read, Read, Weight], Adam) { Rank = Rank },
        new("the same, stored", () => new Apollo { Rank = Rank, StoreProjection = true }, [Read, Read, Weight], Adam) { Rank = Rank },
    ];

    /// <summary>The command's entry.</summary>
    /// <param name="rounds">Timed rounds of each line, after one that is not.</param>
    /// <param name="threads">0 takes all cores.</param>
    /// <param name="only">A part of the names to run; empty for all.</param>
    public static int Run(int rounds, int threads, string only)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        using var device = Device.CreateCpu(threads);
        using var workers = new Workers(threads == 0 ? Environment.ProcessorCount : threads);
        Console.WriteLine($"{device.Name}; medians of {rounds} rounds, each beside a hand-written loop with the same reads and writes");
        Console.WriteLine("| rule | ms per step | MB it must move | GB/s | GB/s of the loop | share | GFLOP | GFLOP/s of a product | "
            + "share of the larger | share of the sum |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        using (var model = new Gpt(GptConfig.Named("gpt2-124m") with { VocabularySize = 50304 }, device))
        {
            var gradients = model.Parameters().Select(p => Gradient(p.Value)).ToArray();
            foreach (var line in Lines.Where(l => l.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
                Console.WriteLine(new Measurement(line, model.Parameters(), gradients, workers).Run(rounds));
            foreach (var gradient in gradients) gradient.Dispose();
        }

        if ("Muon".Contains(only, StringComparison.OrdinalIgnoreCase)) MuonAtM.Run(device, rounds);
        if ("GaLore".Contains(only, StringComparison.OrdinalIgnoreCase)) Refreshes(device, rounds);
        return 0;
    }

    /// <summary>
    /// What a refresh adds to a step of GaLore, of a gradient of noise, whose spectrum is the flattest, and of one of falling singular
    /// values.
    /// </summary>
    private static void Refreshes(Device device, int rounds)
    {
        using var scope = device.Scope("GaLore");
        using var parameter = new Parameter("w", Tensor.Zeros((768, 3072), device), Role.Hidden);
        Tensor Noise(Shape shape) => Tensor.Normal(shape, 0, 1, new RandomKey(1, (ulong)shape[0]), device);
        var fall = Tensor.From<float>(Enumerable.Range(0, 300).Select(i => MathF.Pow(0.97f, i)).ToArray(), 300, device);
        foreach (var (name, gradient) in new[] { ("noise", Noise((768, 3072))),
            ("falling", (Noise((768, 300)) * fall).MatMul(Noise((300, 3072)))) })
        {
            using RuleState kept = new(device), refreshed = new(device);
            Rule keeping = new GaLore { Refresh = 0 }, refreshing = new GaLore { Refresh = 1 };
            keeping.Init(parameter, kept);
            refreshing.Init(parameter, refreshed);
            List<double> plain = [], extra = [];
            for (int i = 0; i <= rounds; i++)
            {
                var step = new StepInfo(i + 1, 1e-6, 1);
                plain.Add(Time(() => keeping.Apply(parameter, gradient, kept, step)));
                extra.Add(Time(() => refreshing.Apply(parameter, gradient, refreshed, step)));
            }

            Console.WriteLine(
                $"GaLore, 768 x 3072, rank 128, {name}: a step {Median(plain.Skip(1)) * 1e3:F0} ms, "
                    + $"with a refresh {extra[0] * 1e3:F0} ms at first and "
                + $"{Median(extra.Skip(1)) * 1e3:F0} ms from the vectors before");
        }
    }

    private static Tensor Gradient(Tensor weight)
    {
        var gradient = Tensor.Unowned(weight.Device, weight.Shape, DType.F32, Use.Gradient, "gradient");
        var values = new float[weight.Count];
        Rng.FillUniform(values, -1e-3, 1e-3, new RandomKey(1, (ulong)weight.Count));
        gradient.CopyFrom<float>(values);
        return gradient;
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>GFLOP/s of large square products: the roof of arithmetic.</summary>
    private static double ProductRate(Device device)
    {
        const int n = 1536, repeats = 4;
        using var scope = device.Scope("product");
        Tensor a = Tensor.Full((n, n), 0.5, device), b = Tensor.Full((n, n), 0.25, device), c = Tensor.Zeros((n, n), device);
        var gemm = new Gemm<Identity> { A = a.Read("product"), B = b.Read("product"), C = c.Write("product") };
        double time = Time(() =>
        {
            for (int i = 0; i < repeats; i++) device.Backend.Run(gemm);
        });
        return 2.0 * n * n * n * repeats / time * 1e-9;
    }

    /// <summary>One line of the table.</summary>
    private sealed class Measurement(Line line, IReadOnlyList<Parameter> parameters, Tensor[] gradients, Workers workers)
    {
        private readonly Device device = parameters[0].Value.Device;
        private readonly Rule rule = line.Make();
        private int step;

        public string Run(int rounds)
        {
            var states = parameters.Select(p => new RuleState(device)).ToArray();
            for (int i = 0; i < states.Length; i++) rule.Init(parameters[i], states[i]);
            using var extra = Tensor.Unowned(device, parameters.Max(p => p.Value.Count), DType.F32, Use.Scratch, "streamed");
            using var more = Tensor.Unowned(device, extra.Shape, DType.F32, Use.Scratch, "streamed");
            Step(states);
            Stream(extra, more);
            List<double> times = [], streams = [], products = [];
            for (int round = 0; round < rounds; round++)
            {
                times.Add(Time(() => Step(states)));
                streams.Add(Time(() => Stream(extra, more)));
                if (line.Rank > 0) products.Add(ProductRate(device));
            }

            foreach (var state in states) state.Dispose();
            return Format(times, streams, products);
        }

        private bool Projects(Parameter p) => p.Role == Role.Hidden && p.Shape.Rank == 2 && p.Shape[0] > 1 && p.Shape[1] > 1;

        private Pass[] Passes(Parameter p) => Projects(p) ? line.Hidden : line.Other;

        private void Step(RuleState[] states)
        {
            var info = new StepInfo(++step, 1e-6, 1);
            for (int i = 0; i < states.Length; i++) rule.Apply(parameters[i], gradients[i], states[i], info);
        }

        /// <summary>The numbers of each moment of a projected gradient, read and written once.</summary>
        private long Moments(Parameter p) => line.Rank > 0 && Projects(p) ? line.Rank * Math.Max(p.Shape[0], p.Shape[1]) : 0;

        private void Stream(Tensor extra, Tensor more)
        {
            for (int i = 0; i < gradients.Length; i++)
            {
                foreach (var pass in Passes(parameters[i]))
                    Stream(gradients[i], parameters[i].Value, extra, more, gradients[i].Count, pass.Updates);
                Stream(gradients[i], extra, more, more, Moments(parameters[i]), 2);
            }
        }

        private unsafe void Stream(Tensor x, Tensor y0, Tensor y1, Tensor y2, long count, int updates)
        {
            const string name = "stream";
            var job = new StreamJob(x.Read(name).Floats(), y0.Write(name).Floats(), y1.Write(name).Floats(), y2.Write(name).Floats(), count,
                updates);
            workers.Run(ref job, job.Chunks);
        }

        private string Format(List<double> times, List<double> streams, List<double> products)
        {
            double bytes = parameters.Sum(p => (double)p.Value.Count * Passes(p).Sum(x => x.Bytes) + Moments(p) * new Pass(2).Bytes);
            double flops = 2.0 * line.Rank * parameters.Where(Projects).Sum(p => p.Value.Count);
            double time = Median(times), share = Median(streams.Zip(times, (s, t) => s / t));
            string text = $"| {line.Name} | {time * 1e3:F0} | {bytes * 1e-6:F0} | {bytes / time * 1e-9:F1} | "
                + $"{bytes / Median(streams) * 1e-9:F1} | {share:P0} |";
            if (line.Rank == 0) return text + " | | | |";
            double[] arithmetic = [.. products.Select(p => flops / p * 1e-9)];
            double roof = Median(times.Select((t, i) => Math.Max(streams[i], arithmetic[i]) / t)),
                sum = Median(times.Select((t, i) => (streams[i] + arithmetic[i]) / t));
            return text + $" {flops * 1e-9:F1} | {Median(products):F0} | {roof:P0} | {sum:P0} |";
        }
    }

    /// <summary>The updater's own read of each gradient, for its norm and to find infinities.</summary>
    private sealed record Nothing : Rule
    {
        public override string Name => "Nothing";

        public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step) => gradient.SumSquares();
    }

    /// <summary>Reads x and, as many of them as asked for, reads and writes y0, y1 and y2.</summary>
    private readonly unsafe struct StreamJob(float* x, float* y0, float* y1, float* y2, long count, int updates) : IJob
    {
        private const long Share = 16384;

        public int Chunks => (int)((count + Share - 1) / Share);

        public void Run(int chunk)
        {
            long start = chunk * Share, n = Math.Min(Share, count - start);
            if (System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated) Run<F16>(start, n);
            else Run<F8>(start, n);
        }

        private void Run<V>(long start, long n) where V : struct, ISimd<V>
        {
            if (updates == 0) Sum<V>(x + start, n);
            else if (updates == 1) Update<V>(x + start, y0 + start, n);
            else if (updates == 2) Update<V>(x + start, y0 + start, y1 + start, n);
            else Update<V>(x + start, y0 + start, y1 + start, y2 + start, n);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Sum<V>(float* x, long n) where V : struct, ISimd<V>
        {
            V a = default, b = default, c = default, d = default;
            for (; n >= 4 * V.Count; n -= 4 * V.Count, x += 4 * V.Count)
            {
                a += V.Load(x);
                b += V.Load(x + V.Count);
                c += V.Load(x + 2 * V.Count);
                d += V.Load(x + 3 * V.Count);
            }

            if (V.Sum(a + b + (c + d)) == 12345) throw new InvalidOperationException("The sums are used, so that they are computed.");
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Update<V>(float* x, float* y, long n) where V : struct, ISimd<V>
        {
            var zero = V.Of(0f);
            for (; n >= V.Count; n -= V.Count, x += V.Count, y += V.Count) V.Store(y, V.Fma(V.Load(x), zero, V.Load(y)));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Update<V>(float* x, float* y, float* z, long n) where V : struct, ISimd<V>
        {
            var zero = V.Of(0f);
            for (; n >= V.Count; n -= V.Count, x += V.Count, y += V.Count, z += V.Count)
            {
                var v = V.Load(x);
                V.Store(y, V.Fma(v, zero, V.Load(y)));
                V.Store(z, V.Fma(v, zero, V.Load(z)));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Update<V>(float* x, float* y, float* z, float* w, long n) where V : struct, ISimd<V>
        {
            var zero = V.Of(0f);
            for (; n >= V.Count; n -= V.Count, x += V.Count, y += V.Count, z += V.Count, w += V.Count)
            {
                var v = V.Load(x);
                V.Store(y, V.Fma(v, zero, V.Load(y)));
                V.Store(z, V.Fma(v, zero, V.Load(z)));
                V.Store(w, V.Fma(v, zero, V.Load(w)));
            }
        }
    }

    /// <summary>
    /// Muon's step over the matrices of size M (10.8 million parameters), and whole training steps with it and with AdamW, in turns.
    /// </summary>
    private static class MuonAtM
    {
        private const int Batch = 4, Context = 256;

        private static readonly GptConfig config = new() { VocabularySize = 65, Layers = 6, Heads = 6, Width = 384, Context = Context,
            TiedHead = true };

        public static void Run(Device device, int rounds)
        {
            using Gpt model = new(config, device), other = new(config, device);
            using var muon = new Updater(model.Parameters(), Route.For(new Muon()), new UpdaterOptions { Schedule = 1e-3 });
            using var adam = new Updater(other.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Schedule = 1e-4 });
            var ids = Tensor.From<int>(Enumerable.Range(0, Batch * Context).Select(i => i * 7 % 65).ToArray(), (Batch, Context), device);
            var steps = muon.Assignments.Where(a => a.Rule is Muon).Select(a => new Matrix(a.Parameter, a.Rule)).ToArray();
            List<double> rules = [], withMuon = [], withAdam = [], products = [];
            for (int round = 0; round <= rounds; round++)
            {
                rules.Add(steps.Sum(s => s.Time()));
                products.Add(ProductRate(device));
                withMuon.Add(RulesBench.Time(() => muon.Step(() => model.Loss(ids, ids))));
                withAdam.Add(RulesBench.Time(() => adam.Step(() => other.Loss(ids, ids))));
            }

            Print(steps, rules.Skip(1), withMuon.Skip(1), withAdam.Skip(1), products.Skip(1));
            foreach (var s in steps) s.Dispose();
            ids.Dispose();
        }

        private static void Print(Matrix[] steps, IEnumerable<double> rules, IEnumerable<double> withMuon, IEnumerable<double> withAdam,
            IEnumerable<double> products)
        {
            double flops = steps.Sum(s => s.Flops), time = Median(rules), peak = Median(products);
            Console.WriteLine(
                $"\nMuon at M (width 384, 6 layers): {time * 1e3:F1} ms for {flops * 1e-9:F1} GFLOP of Newton-Schulz = "
                    + $"{flops / time * 1e-9:F0} GFLOP/s, "
                + $"a large product {peak:F0} GFLOP/s, {flops / time * 1e-9 / peak:P0} of it");
            Console.WriteLine(
                $"a training step of {Batch} x {Context} tokens: {Median(withMuon) * 1e3:F1} ms with Muon, "
                    + $"{Median(withAdam) * 1e3:F1} ms with AdamW, "
                + $"{Median(withMuon.Zip(withAdam, (m, a) => m / a - 1)):P0} more; a batch n times as large pays an n-th of that");
        }

        /// <summary>A parameter that Muon steps, with a gradient.</summary>
        private sealed class Matrix(Parameter parameter, Rule rule) : IDisposable
        {
            private readonly Tensor gradient = Gradient(parameter.Value);
            private readonly RuleState state = MakeState(parameter, rule);
            private int step;

            /// <summary>5 (4 small^2 large + 2 small^3) for each block of rows, without what symmetry saves.</summary>
            public double Flops => (parameter.RowBlocks.Count > 1 ? parameter.RowBlocks : [parameter.Shape[0]]).Sum(rows =>
            {
                double small = Math.Min(rows, parameter.Shape[1]), large = Math.Max(rows, parameter.Shape[1]);
                return 5 * (4 * small * small * large + 2 * small * small * small);
            });

            public double Time()
            {
                using var copy = Gradient(parameter.Value); // the rule overwrites it
                return RulesBench.Time(() => rule.Apply(parameter, copy, state, new StepInfo(++step, 1e-6, 1)));
            }

            public void Dispose()
            {
                gradient.Dispose();
                state.Dispose();
            }

            private static RuleState MakeState(Parameter parameter, Rule rule)
            {
                var state = new RuleState(parameter.Value.Device);
                rule.Init(parameter, state);
                return state;
            }
        }
    }
}
