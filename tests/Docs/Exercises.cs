using System.Runtime.CompilerServices;

namespace Mayfly.Tests;

/// <summary>The solutions of docs/exercises.md, from public API alone.</summary>
public sealed class Exercises : IDisposable
{
    private readonly Device device = Device.CreateCpu(threads: 1);

    public void Dispose() => device.Dispose();

    // 1
    private readonly struct Softplus : IMap1<Softplus>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V F<V>(V x) where V : struct, ILane<V> =>
            V.Max(x, V.Of(0f)) + V.Log(V.Of(1f) + V.Exp(-V.Abs(x))); // max(x, 0) + log(1 + exp(-|x|)): no exp overflows
    }

    [Fact]
    public void An_op_from_a_formula()
    {
        using var exact = Device.CreateReference();
        using var scope = exact.Scope("softplus");
        var x = Tensor.From<double>([-800, -2, -0.5, 0.7, 3, 800], 6, exact);
        var y = x.Map(new Softplus(), "Softplus").ToArray<double>();
        double[] expected = [0, Math.Log(1 + Math.Exp(-2)), Math.Log(1 + Math.Exp(-0.5)), Math.Log(1 + Math.Exp(0.7)),
            Math.Log(1 + Math.Exp(3)), 800];
        for (int i = 0; i < 6; i++) Assert.Equal(expected[i], y[i], 12);
        GradCheck.Run(inputs => inputs[0].Map(new Softplus(), "Softplus"), [x]);
    }

    // 2
    [Fact]
    public void The_order_in_which_weights_fire()
    {
        using Parameter a = Draw("a", 4, 4), b = Draw("b", 4, 4), c = Draw("c", 4, 4);
        using var x = Tensor.Ones((2, 4), device);
        using var tape = Tape.Record(device);
        var h = x.Linear(a.Value).Linear(b.Value).Linear(c.Value).Linear(a.Value);
        var order = new List<string>();
        tape.Backward(h.Sum(), (Parameter p, ref Gradient _) => order.Add(p.Name));
        Assert.Equal(["c", "b", "a"], order); // a is read first and last: it waits for its first use
    }

    // 3
    [Fact]
    public void The_bytes_of_gradients()
    {
        Assert.Equal(4 * 64 * 64, Peak(UpdateMode.Eager));        // one layer's at a time
        Assert.Equal(5 * 4 * 64 * 64, Peak(UpdateMode.Deferred)); // all five

        long Peak(UpdateMode mode)
        {
            Parameter[] weights = [.. Enumerable.Range(0, 5).Select(i => Draw($"w{i}", 64, 64))];
            using var updater = new Updater(weights, Route.Default(new Sgd(), mode));
            using var x = Tensor.Ones((8, 64), device);
            device.Arena.ResetPeaks();
            updater.Step(() => weights.Aggregate(x, (h, w) => h.Linear(w.Value).Tanh()).Sum());
            foreach (var w in weights) w.Dispose();
            return device.Arena.Report.Peak(Use.Gradient);
        }
    }

    // 4
    private sealed record RmsProp : Rule
    {
        public double Alpha { get; init => field = In(0, 1.0, value); } = 0.99;

        public override void Init(Parameter parameter, RuleState state) => state.AddTensor("v", parameter.Shape);

        public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step) =>
            parameter.Value.Step(new RmsPropUpdate(Alpha, step.LearningRate), gradient, state.Tensor("v"));
    }

    private readonly struct RmsPropUpdate(Hyper alpha, Hyper learningRate) : IUpdate<RmsPropUpdate>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
        {
            s0 = V.Of(alpha) * s0 + (V.Of(1f) - V.Of(alpha)) * g * g;
            p -= V.Of(learningRate) * g / (V.Sqrt(s0) + V.Of(1e-8f));
        }
    }

    [Fact]
    public void A_rule()
    {
        using var w = new Parameter("w", Tensor.From<float>([4, -2], 2, device), Role.Gain);
        using var updater = new Updater([w], Route.Default(new RmsProp { LearningRate = 0.05 }));
        double p = 4, v = 0;
        for (int step = 1; step <= 20; step++)
        {
            updater.Step(() => (w.Value * w.Value).Sum()); // gradient 2 w
            double g = 2 * p;
            v = 0.99 * v + 0.01 * g * g;
            p -= 0.05 * g / (Math.Sqrt(v) + 1e-8);
        }

        Assert.Equal(p, w.Value.ToArray()[0], 5);
        Assert.Equal(2 * sizeof(float), updater.StateBytes);
    }

    // 5
    [Fact]
    public void Pairs_of_letters()
    {
        int[] text = new ByteTokenizer().Encode(string.Concat(Enumerable.Repeat("abracadabra ", 20)));
        var pairs = text.Zip(text.Skip(1)).ToArray();
        double best = pairs.GroupBy(p => p).Sum(pair =>
            -pair.Count() * Math.Log((double)pair.Count() / pairs.Count(p => p.First == pair.Key.First))) / pairs.Length;
        using var table = new Parameter("table", Tensor.Zeros((256, 256), device), Role.Embedding); // a letter's row scores the next one
        using var ids = Tensor.From<int>([.. pairs.Select(p => p.First)], pairs.Length, device);
        using var targets = Tensor.From<int>([.. pairs.Select(p => p.Second)], pairs.Length, device);
        using var updater = new Updater([table], Route.Default(new AdamW { LearningRate = 0.3 }));
        double loss = 0;
        for (int step = 0; step < 100; step++) loss = updater.Step(() => table.Value.Embedding(ids).CrossEntropy(targets)).Loss;
        Assert.InRange(loss, best, best + 0.01); // nothing that knows one letter can be better than the counts
    }

    // 6
    [Fact]
    public void Memory_for_time()
    {
        (long plain, float[] one) = Run(checkpoint: false);
        (long less, float[] two) = Run(checkpoint: true);
        Assert.Equal(one, two); // to the bit
        Assert.InRange(less, 0, plain / 2);

        (long, float[]) Run(bool checkpoint)
        {
            using var w = Draw("w", 32, 32);
            using var x = Tensor.Ones((256, 32), device);
            float[] gradient = [];
            device.Arena.ResetPeaks();
            using (var tape = Tape.Record(device))
            {
                var h = x.Linear(w.Value);
                for (int i = 0; i < 6; i++) h = checkpoint ? Tape.Checkpoint(Part, h) : Part(h);
                tape.Backward(h.Sum(), (Parameter _, ref Gradient g) => gradient = g.Value!.ToArray());
            }

            return (device.Arena.Report.Peak(Use.Activation), gradient);

            Tensor Part(Tensor h)
            {
                using var scope = device.Scope("part");
                for (int i = 0; i < 6; i++) h = h.Linear(w.Value).Tanh();
                return scope.Return(h);
            }
        }
    }

    // 7
    [Fact]
    public void Clipping_by_hand()
    {
        using Parameter a = Draw("a", 3, 3), b = Draw("b", 3, 3);
        using var x = Tensor.Full((2, 3), 5, device);
        float[] before = a.Value.ToArray();
        double norm = 0;
        var gradients = new Dictionary<string, float[]>();
        using (var tape = Tape.Record(device))
        {
            tape.Backward(Loss(), (Parameter p, ref Gradient g) => gradients[p.Name] = g.Value!.ToArray());
            norm = Math.Sqrt(gradients.Values.Sum(g => g.Sum(v => (double)v * v)));
        }

        using var updater = new Updater([a, b], Route.Default(new Sgd { LearningRate = 1 }, UpdateMode.Deferred), new() { MaxNorm = 1 });
        var report = updater.Step(Loss);
        Assert.True(report.Clipped);
        Assert.Equal(norm, report.GradientNorm, 4);
        float[] after = a.Value.ToArray();
        for (int i = 0; i < 9; i++) Assert.Equal(before[i] - gradients["a"][i] / norm, after[i], 4);

        Tensor Loss() => x.Linear(a.Value).Linear(b.Value).Sum();
    }

    // 8
    [Fact]
    public void Sums_that_do_not_depend_on_threads()
    {
        Assert.Equal(Losses(1), Losses(2));

        static double[] Losses(int threads)
        {
            using var own = Device.CreateCpu(threads);
            using var model = new Gpt(new GptConfig { VocabularySize = 64, Context = 32, Layers = 1, Heads = 2, Width = 64 }, own);
            using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()));
            int[] text = [.. Enumerable.Range(0, 500).Select(i => i * i % 61)];
            var batches = new Batches(text, batch: 8, context: 32, seed: 1);
            return [.. Enumerable.Range(0, 5).Select(step => updater.Step(() =>
            {
                var (ids, targets) = batches.Get(step, own);
                return model.Loss(ids, targets);
            }).Loss)];
        }
    }

    private Parameter Draw(string name, int rows, int columns)
    {
        using var start = Tensor.Normal((rows, columns), 0, 1 / Math.Sqrt(columns), new RandomKey(1, (ulong)name[^1]), device);
        return new Parameter(name, start, Role.Hidden);
    }
}
