using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

/// <summary>
/// Ranks that take one micro-batch each come to the bits of one process that takes them all, one after the other, and finds each gradient
/// by itself: the sums are one tree, ((first + second) + third) and so on.
/// </summary>
public class OneTreeTests
{
    private static readonly ClipMode?[] clips = [null, ClipMode.TwoPass, ClipMode.PreviousNorm, ClipMode.PerTensor];

    /// <summary>A run of some steps, but for who takes the micro-batches.</summary>
    private sealed record Case(int Seed)
    {

        public int Ranks => 2 + Draw(0, 3);

        public ModelConfig Shape => Draw(1, 2) == 0
            ? new GptConfig { VocabularySize = 17, Context = 8, Layers = 2, Heads = 2, Width = 16, TiedHead = Draw(2, 2) == 0,
                CheckpointBlocks = Draw(3, 2) == 0, Dropout = Draw(4, 2) * 0.1f }
            : new LlamaConfig { VocabularySize = 17, Context = 8, Layers = 2, Heads = 4, KvHeads = 2, Width = 16,
                TiedHead = Draw(2, 2) == 0, CheckpointBlocks = Draw(3, 2) == 0, Weights = Draw(4, 2) == 0 ? DType.F32 : DType.BF16 };

        public UpdateMode Mode => (UpdateMode)Draw(5, 2);

        public UpdaterOptions Options => clips[Draw(6, 4)] switch
        {
            null => Mode == UpdateMode.Deferred ? new() { MaxNorm = 0.2 } : new(),
            var clip => new() { MaxNorm = 0.05, ClipMode = clip.Value },
        };

        public RuleLine Rule => RuleTable.Lines[Draw(7, RuleTable.Lines.Count)];

        private int Draw(int place, int count) => (int)(Philox.Bits(new RandomKey((ulong)Seed, 77), place) % (uint)count);
    }

    public static TheoryData<RuleLine> Rules => RuleTable.All;

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_rule_does_the_same_to_the_bit(RuleLine rule)
    {
        float[] one = Tiny(rule, 1, 3);
        Assert.Equal(one, Tiny(rule, 3, 1));
    }

    [Fact]
    public void A_model_is_trained_to_the_same_bits() => Prop.ForAll(
        Gen.Choose(0, 1 << 20).Select(seed => new Case(seed)).ToArbitrary(),
        one => Assert.Equal(Train(one, 1, one.Ranks), Train(one, one.Ranks, 1))).Check(Config.QuickThrowOnFailure.WithMaxTest(15));

    private static float[] Tiny(RuleLine rule, int ranks, int microBatches)
    {
        float[] result = [];
        InProcess.Run(ranks, own =>
        {
            using var exchange = new DataParallel(own);
            using var device = Device.CreateCpu(threads: 1);
            using var model = new TinyModel(device);
            using var updater = new Updater(model.Parameters, RuleTable.Everywhere(rule.Make(), UpdateMode.Eager),
                new() { Schedule = rule.LearningRate / 10, SumsApart = true, Exchange = ranks > 1 ? exchange : null });
            for (int step = 0; step < 20; step++)
                updater.Step(microBatches, k => model.Loss(step * 3 + k + own.Rank, 4, 0.02, dropout: 0.1f));
            if (own.Rank == 0) result = model.Weights();
        });
        return result;
    }

    private static double[] Train(Case run, int ranks, int microBatches)
    {
        double[] result = [];
        InProcess.Run(ranks, own =>
        {
            using var exchange = new DataParallel(own);
            using var device = Device.CreateCpu(threads: 1);
            using var model = run.Shape.Create(device);
            using var updater = new Updater(model.Parameters(), Route.For(run.Rule.Make(), run.Mode), run.Options with
            {
                Schedule = run.Rule.LearningRate / 10, Seed = 3, SumsApart = true, Exchange = ranks > 1 ? exchange : null,
            });
            var numbers = new List<double>();
            for (int step = 0; step < 3; step++)
            {
                var report = updater.Step(microBatches, k => Loss(model, step * run.Ranks + k + own.Rank, run.Ranks));
                numbers.AddRange(report.Loss, report.GradientNorm);
            }

            if (own.Rank == 0) result = [.. numbers, .. model.Parameters().SelectMany(p => p.Value.ToArray()).Select(w => (double)w)];
        });
        return result;
    }

    private static Tensor Loss(LanguageModel model, int batch, int batches)
    {
        int[] ids = [.. Enumerable.Range(0, 16).Select(i => (i * 7 + batch * 5 + i * i * batch) % 17)];
        int[] targets = [.. ids.Select(i => (i * 3 + 1) % 17)];
        return model.Loss(Tensor.From<int>(ids, (2, 8), model.Device), Tensor.From<int>(targets, (2, 8), model.Device), 16 * batches);
    }
}
