namespace Mayfly.Tests;

/// <summary>What each rank holds of a divided model: as planned, to the byte, and its share of the whole.</summary>
public class ShardTests
{
    private static readonly GptConfig Gpt = new() { VocabularySize = 96, Context = 16, Layers = 6, Heads = 4, Width = 128 };

    public static TheoryData<UpdateMode, string> Cases => new()
    {
        { UpdateMode.Eager, "adamw" }, { UpdateMode.Deferred, "muon" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_rank_holds_its_share_as_planned_to_the_byte(UpdateMode mode, string rule)
    {
        long whole = Planned(mode, rule, 0, 1).Kept, layer = 4L * 128 * 4 * 128;
        foreach (int ranks in (int[])[2, 4])
        {
            var planned = Enumerable.Range(0, ranks).Select(rank => Planned(mode, rule, rank, ranks)).ToArray();
            var measured = new (long Kept, long Peak)[ranks];
            InProcess.Run(ranks, own =>
            {
                using var device = Device.CreateCpu(threads: 1);
                measured[own.Rank] = Step(device, mode, rule, own);
            });
            Assert.Equal(planned, measured);
            double share = ranks == 2 ? 0.55 : 0.30;
            Assert.All(measured, m => Assert.InRange(m.Kept, 1, (long)(share * whole) + layer));
        }
    }

    [Fact]
    public void Weights_are_sent_twice_a_step_and_while_others_are_used()
    {
        InProcess.Run(2, own =>
        {
            using var exchange = new DataParallel(own);
            using var device = Device.CreateCpu(threads: 1);
            ShardPlan.Of(own.Rank, 2, d => Gpt.Create(d)).Use(device, exchange.Queue);
            using var model = Gpt.Create(device);
            using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()), new() { Exchange = exchange });
            var shards = (Shards)device.Pager!;
            long divided = model.Parameters().Where(p => Shards.OwnerOf(p) is not null).Sum(p => p.Value.Bytes);
            updater.Step(() => Loss(model));
            long first = shards.MovedBytes;
            Assert.InRange(first, divided, 2 * divided);
            updater.Step(() => Loss(model));
            Assert.InRange(shards.MovedBytes - first, divided, first); // what comes next is used at once where it is here
        });
    }

    [Fact]
    public void Devices_that_keep_weights_elsewhere_are_refused()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(threads: 1);
        device.Stream(folder.File("weights.stream"), 1 << 20);
        var plan = ShardPlan.Of(0, 2, d => Gpt.Create(d));
        Assert.Contains("elsewhere", Assert.Throws<InvalidOperationException>(() => plan.Use(device, null)).Message);
    }

    private static (long Kept, long Peak) Planned(UpdateMode mode, string rule, int rank, int ranks)
    {
        using var device = Device.CreateDry();
        return Step(device, mode, rule, new PlannedRanks(rank, ranks));
    }

    /// <summary>The peaks of weights, gradients, state and what is brought, each by itself; and of all together.</summary>
    private static (long Kept, long Peak) Step(Device device, UpdateMode mode, string rule, ICollectives ranks)
    {
        using var exchange = new DataParallel(ranks);
        bool isDry = device.Backend.IsDry;
        var plan = ShardPlan.Of(ranks.Rank, ranks.Ranks, d => Make(d, mode, rule, null).Updater);
        if (ranks.Ranks > 1) plan.Use(device, isDry ? null : exchange.Queue);
        var (model, updater) = Make(device, mode, rule, ranks.Ranks > 1 ? exchange : null);
        using (model)
        using (updater)
        {
            for (int step = 0; step < 1; step++) updater.Step(() => Loss(model));
            device.Arena.ResetPeaks();
            updater.Step(() => Loss(model));
            var report = device.Arena.Report;
            long kept = report.Peak(Use.Weight) + report.Peak(Use.Gradient) + report.Peak(Use.State);
            return (kept, report.PeakBytes);
        }
    }

    private static (LanguageModel Model, Updater Updater) Make(Device device, UpdateMode mode, string rule, DataParallel? exchange)
    {
        var model = Gpt.Create(device);
        var route = Route.For(rule == "muon" ? new Muon() : new AdamW(), mode);
        return (model, new Updater(model.Parameters(), route, new() { Exchange = exchange }));
    }

    private static Tensor Loss(LanguageModel model)
    {
        int[] ids = [.. Enumerable.Range(0, 16).Select(i => i * 7 % 96)];
        return model.Loss(Tensor.From<int>(ids, (1, 16), model.Device), Tensor.From<int>(ids, (1, 16), model.Device));
    }
}
