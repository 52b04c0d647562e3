namespace Mayfly.Tests;

/// <summary>Many ranks train as one does: to the bit among themselves, and as close as sums in another order come to one rank.</summary>
public class DataParallelTests
{
    private const int Steps = 3;

    private static readonly GptConfig Gpt = new() { VocabularySize = 19, Context = 12, Layers = 2, Heads = 3, Width = 48 };

    private static readonly LlamaConfig Llama = new() { VocabularySize = 19, Context = 12, Layers = 2, Heads = 6, KvHeads = 2, Width = 48 };

    private static readonly (string Name, ModelConfig Shape, UpdateMode Mode, UpdaterOptions Options)[] models =
    [
        ("gpt", Gpt, UpdateMode.Eager, new()),
        ("gpt, tied, checkpoints", Gpt with { TiedHead = true, CheckpointBlocks = true }, UpdateMode.Eager, new() { Accumulate = 2 }),
        ("gpt, two passes", Gpt, UpdateMode.Eager, new() { MaxNorm = 0.1, ClipMode = ClipMode.TwoPass }),
        ("gpt, norm before", Gpt, UpdateMode.Eager, new() { MaxNorm = 0.1, ClipMode = ClipMode.PreviousNorm, Accumulate = 3 }),
        ("llama", Llama, UpdateMode.Eager, new()),
        ("llama, each norm", Llama, UpdateMode.Eager, new() { MaxNorm = 0.01, ClipMode = ClipMode.PerTensor }),
        ("llama, deferred", Llama with { TiedHead = true }, UpdateMode.Deferred, new() { MaxNorm = 0.1, Accumulate = 2 }),
        ("llama, bf16", Llama with { Weights = DType.BF16 }, UpdateMode.Eager, new() { StateType = DType.BF16 }),
        ("llama, masters", Llama with { Weights = DType.BF16 }, UpdateMode.Deferred, new() { MasterWeights = true }),
        ("llama, loss scale", Llama, UpdateMode.Deferred, new() { DynamicLossScale = new LossScaling() }),
    ];

    public static TheoryData<string> Models => [.. models.Select(m => m.Name)];

    public static TheoryData<RuleLine> Rules => RuleTable.All;

    /// <summary>In double precision, so that what is left is the order of sums.</summary>
    [Theory]
    [MemberData(nameof(Rules))]
    public void A_rule_does_on_many_ranks_what_it_does_on_one(RuleLine rule)
    {
        var whole = Tiny(rule, 1, 3)[0];
        foreach (var own in Tiny(rule, 3, 1)) Closeness.OfItself(1, 1e-6, own, whole, $"{rule} on 3 ranks");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_is_the_same_on_all_ranks_and_divided_among_them(string name)
    {
        var (_, shape, mode, options) = models.First(m => m.Name == name);
        int ranks = 2 + name.Length % 2;
        var expected = Train(shape, mode, options, ranks, isDivided: false);
        Assert.Single(expected.Distinct());
        Assert.Equal(expected, Train(shape, mode, options, ranks, isDivided: true));
    }

    [Fact]
    public void Eager_and_deferred_steps_give_the_same_bits() =>
        Assert.Equal(Train(Llama, UpdateMode.Eager, new(), 3, false), Train(Llama, UpdateMode.Deferred, new(), 3, true));

    /// <summary>The batch is the same; the order of the sums is another.</summary>
    [Fact]
    public void Ranks_come_to_what_one_comes_to_that_takes_all_micro_batches()
    {
        foreach (int ranks in (int[])[2, 4])
        {
            double[] one = Losses(Train(Gpt, UpdateMode.Eager, new() { Accumulate = ranks }, 1, false, dropout: 0)[0]);
            Closeness.OfItself(1, 1e-6, Losses(Train(Gpt, UpdateMode.Eager, new(), ranks, false, dropout: 0)[0]), one, $"{ranks} ranks");
        }
    }

    private static double[] Losses(string run) => [.. run.Split(' ').Take(2 * Steps).Select(double.Parse)];

    /// <summary>Gradients of a device whose memory is not the host's are summed in a copy.</summary>
    [Fact]
    public void Devices_with_memory_of_their_own_come_to_the_same()
    {
        float[] Run(Func<Device> open)
        {
            float[] weights = [];
            InProcess.Run(2, own =>
            {
                using var exchange = new DataParallel(own);
                using var device = open();
                using var model = new TinyModel(device);
                using var updater = new Updater(model.Parameters, Route.Default(new Sgd()), new() { Schedule = 0.1, Exchange = exchange });
                updater.Step(1, _ => model.Loss(own.Rank, 1, 0.1));
                if (own.Rank == 0) weights = model.Weights();
            });
            return weights;
        }

        float[] host = Run(() => Device.CreateCpu(threads: 1)), other = Run(() => Device.Open("ilgpu-cpu"));
        for (int i = 0; i < host.Length; i++) Assert.Equal(host[i], other[i], 1e-5);
    }

    [Fact]
    public void A_loss_that_is_not_finite_on_one_rank_ends_the_step_on_all() => InProcess.Run(2, own =>
    {
        using var exchange = new DataParallel(own);
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, Route.Default(new AdamW()), new() { Exchange = exchange });
        float[] before = model.Weights();
        Assert.Throws<NonFiniteException>(() => updater.Step(() => model.Loss(1, 2, own.Rank == 1 ? double.NaN : 1)));
        Assert.False(updater.Torn);
        Assert.Equal(before, model.Weights());
        updater.Step(() => model.Loss(1, 2, 0.1));
    });

    /// <summary>What is summed is rounded on each rank, and the sum is rounded: each time by a relative 2^-9 at most.</summary>
    [Fact]
    public void Gradients_that_wait_in_fewer_bits_are_summed_in_floats()
    {
        var options = new UpdaterOptions { GradientType = DType.BF16, MaxNorm = 0.1, ClipMode = ClipMode.TwoPass, Accumulate = 2 };
        string[] eager = Train(Gpt, UpdateMode.Eager, options, 3, isDivided: false);
        Assert.Single(eager.Distinct());
        Assert.Equal(eager, Train(Gpt, UpdateMode.Eager, options, 3, isDivided: true));
        Assert.Equal(eager, Train(Gpt, UpdateMode.Deferred, options, 3, isDivided: true));
        double[] floats = Losses(Train(Gpt, UpdateMode.Eager, options with { GradientType = DType.F32 }, 3, false)[0]);
        Closeness.OfItself(1, 1e-2, Losses(eager[0]), floats, "bf16");
        Assert.NotEqual(floats, Losses(eager[0]));
    }

    private static double[][] Tiny(RuleLine rule, int ranks, int rows)
    {
        var results = new double[ranks][];
        InProcess.Run(ranks, own =>
        {
            using var exchange = new DataParallel(own);
            using var device = Device.CreateReference();
            using var model = new TinyModel(device);
            using var updater = new Updater(model.Parameters, RuleTable.Everywhere(rule.Make(), UpdateMode.Eager),
                new() { Schedule = rule.LearningRate / 10, Exchange = exchange });
            for (int step = 0; step < 20; step++) updater.Step(1, _ => Part(model, step * 3 + own.Rank * rows, rows));
            results[own.Rank] = [.. model.Parameters.SelectMany(p => p.Value.ToArray<double>())];
        });
        return results;
    }

    /// <summary>Each rank sees other tokens, and all clip by the largest logit of any: their weights stay the same.</summary>
    [Fact]
    public void The_largest_logit_of_all_ranks_counts()
    {
        var shape = new GptConfig { VocabularySize = 19, Context = 12, Layers = 1, Heads = 2, Width = 8 };
        var results = new (double Logit, int Hash)[2];
        InProcess.Run(2, own =>
        {
            using var exchange = new DataParallel(own);
            using var device = Device.CreateCpu(threads: 1);
            using var model = shape.Create(device);
            using var updater = new Updater(model.Parameters(), Route.For(new Muon()), new UpdaterOptions { Exchange = exchange });
            using var clip = new QkClip(Attention.Watch(model)) { Threshold = 1e-3 };
            for (int step = 0; step < 3; step++)
            {
                updater.Step(1, _ => Loss(model, 2 * step + own.Rank));
                Assert.InRange(clip.Apply(updater), 1, 2);
            }

            int hash = model.Parameters().Aggregate(0, (sum, p) => HashCode.Combine(sum, Hash(p.Value.ToArray())));
            results[own.Rank] = (clip.Largest, hash);
        });
        Assert.Equal(results[0], results[1]);
    }

    /// <summary>The loss of some rows, one by one so that they are the same however they are dealt out.</summary>
    private static Tensor Part(TinyModel model, int first, int rows)
    {
        var loss = model.Loss(first, 1, 0.02);
        for (int i = 1; i < rows; i++) loss += model.Loss(first + i, 1, 0.02);
        return loss;
    }

    private static string[] Train(ModelConfig shape, UpdateMode mode, UpdaterOptions options, int ranks, bool isDivided,
        float dropout = 0.1f)
    {
        shape = shape with { Dropout = dropout };
        var results = new string[ranks];
        InProcess.Run(ranks, own =>
        {
            using var exchange = new DataParallel(own);
            using var device = Device.CreateCpu(threads: 1);
            if (isDivided) ShardPlan.Of(own.Rank, ranks, d => shape.Create(d), leastBytes: 1 << 10).Use(device, exchange.Queue);
            using var model = shape.Create(device);
            using var updater = new Updater(model.Parameters(), Route.For(new Muon(), mode),
                options with { Schedule = 1e-2, Exchange = ranks > 1 ? exchange : null });
            var losses = new List<double>();
            for (int step = 0; step < Steps; step++)
            {
                int micro = 0;
                var report = updater.Step(options.Accumulate,
                    _ => Loss(model, (step * options.Accumulate + micro++ % options.Accumulate) * ranks + own.Rank));
                losses.AddRange(report.Loss, report.GradientNorm);
                Evaluate(model);
            }

            results[own.Rank] = string.Join(' ', losses.Concat(model.Parameters().Select(p => (double)Hash(p.Value.ToArray()))));
        });
        return results;
    }

    private static int Hash(float[] values)
    {
        var hash = default(HashCode);
        foreach (float value in values) hash.Add(value);
        return hash.ToHashCode();
    }

    /// <summary>Uses the weights in another order between two steps.</summary>
    private static void Evaluate(LanguageModel model)
    {
        using var scope = model.Device.Scope("evaluation");
        model.Eval();
        Assert.True(double.IsFinite(Loss(model, 99).Item()));
        model.Train();
    }

    private static Tensor Loss(LanguageModel model, int batch)
    {
        int[] ids = [.. Enumerable.Range(0, 24).Select(i => (i * 7 + batch * 5 + i * i * batch) % 19)];
        int[] targets = [.. ids.Select(i => (i * 3 + 1) % 19)];
        return model.Loss(Tensor.From<int>(ids, (2, 12), model.Device), Tensor.From<int>(targets, (2, 12), model.Device), total: 48);
    }
}
