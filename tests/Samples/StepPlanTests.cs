using TrainGpt;

namespace Mayfly.Tests;

/// <summary>What is planned is what a step takes, to the byte: for each rule, mode, policy and kind of clipping.</summary>
public class StepPlanTests
{
    private static readonly string[] Optimizers =
    [
        .. Recipes.Names, .. Recipes.Names.SelectMany(name => Recipes.Presets(name).Keys.Select(preset => $"{name} {preset}")),
    ];

    private static readonly TrainOptions Small = new()
    {
        Layers = 3, Heads = 2, Width = 24, Context = 8, Batch = 3, Model = ModelChoice.Llama, Tied = false, Hidden = 40, Clip = 1,
    };

    /// <summary>Each name, which tells the case, with its options.</summary>
    private static readonly Dictionary<string, TrainOptions> Cases = new()
    {
        ["gpt"] = Small with { Model = ModelChoice.Gpt, Tied = true },
        ["gpt, untied, eager"] = Eager with { Model = ModelChoice.Gpt },
        ["gpt, tied, eager"] = Eager with { Model = ModelChoice.Gpt, Tied = true },
        ["gpt, tied, eager, all"] = Eager with { Model = ModelChoice.Gpt, Tied = true, CheckpointBlocks = true },
        ["grouped heads"] = Eager with { Heads = 6, KvHeads = 2 },
        ["dropout"] = Eager with { Dropout = 0.1, CheckpointBlocks = CheckpointPolicy.Every(2) },
        ["accumulation"] = Small with { Accumulate = 2 },
        ["accumulation, eager"] = Eager with { Accumulate = 3, CheckpointBlocks = CheckpointPolicy.First(1) },
        ["two passes"] = Eager with { Clip = 0.01, ClipMode = EagerClip.TwoPass },
        ["previous"] = Eager with { Clip = 0.01, ClipMode = EagerClip.Previous },
        ["per tensor"] = Eager with { Clip = 0.01, ClipMode = EagerClip.PerTensor },
        ["bf16, eager"] = Eager with { Dtype = DType.BF16, StateDtype = DType.BF16, CheckpointBlocks = true },
        ["bf16, deferred"] = Small with { Dtype = DType.BF16, StateDtype = DType.BF16, GradientDtype = DType.BF16 },
        ["bf16, master weights"] = Small with { Dtype = DType.BF16, MasterWeights = true },
        ["bf16, accumulation"] = Eager with { Dtype = DType.BF16, GradientDtype = DType.BF16, Accumulate = 2, Optimizer = "apollo-mini" },
        ["int8, eager"] = Eager with { Dtype = DType.Int8, Optimizer = "apollo", Rank = "4", Width = 64, Hidden = 96 },
        ["int8, deferred"] = Small with { Dtype = DType.Int8, Optimizer = "muon", Width = 64, Hidden = 96 },
        ["clip value, norm cap"] = Eager with { ClipValue = 0.01, NormCap = 1.1 },
        ["streamed"] = Streamed with { Optimizer = "adamw" },
        ["streamed, checkpointed, bf16"] = Streamed with { Dtype = DType.BF16, StateDtype = DType.BF16, CheckpointBlocks = true },
        ["streamed, deferred, accumulation"] = Streamed with { Mode = UpdateMode.Deferred, Accumulate = 2, Resident = "92MiB" },
        ["streamed, tied, apollo"] = Streamed with { Tied = true, Optimizer = "apollo", Rank = "4", CheckpointBlocks = true },
        ["galore, accumulation projected"] = Eager with
        {
            Optimizer = "galore", Rank = "4", Accumulate = 3, Accumulation = AccumulationMode.Projected,
        },
        ["galore, eager, of a side that is iterated"] = Eager with { Optimizer = "galore", Rank = "4", Width = 192, Hidden = 200 },
    };

    private static TrainOptions Eager => Small with { Mode = UpdateMode.Eager, Clip = 0 };

    /// <summary>Weights and state of 3 MB and 2.5 MiB for all.</summary>
    private static TrainOptions Streamed => Eager with { Width = 128, Hidden = 160, Heads = 4, Resident = "90.5MiB" };

    public static TheoryData<string> Names =>
    [
        .. Cases.Keys,
        .. Optimizers.SelectMany(optimizer => (string[])[$"{optimizer}, deferred", $"{optimizer}, eager"]),
        .. new[] { "none", "all", "every-2", "first-2", "sqrt" }.SelectMany(policy =>
            (string[])[$"policy {policy}, deferred", $"policy {policy}, eager"]),
    ];

    [Theory, MemberData(nameof(Names))]
    public void A_step_takes_what_was_planned(string name)
    {
        var options = Cases.TryGetValue(name, out var known) ? known : Of(name);
        var shape = ModelChoice.Config(options, 50);
        var planned = StepPlan.Of(options, shape);
        var (begin, first, later) = Measure(options, shape, planned.Arena);
        var step = planned.IsStreamed ? first : begin;
        bool keepsBlocks = step.TouchedBytes >= step.PeakBytes; // not where a refresh has read numbers that a dry device lacks
        Assert.Equal(Books(step, keepsBlocks), Books(planned.Report, keepsBlocks));
        Assert.Equal(planned.Report.PeakBytes, planned.Peak.Bytes);
        Assert.True(later.TouchedBytes <= Math.Max(first.TouchedBytes, planned.Blocks));
        Assert.True(later.PeakBytes <= first.PeakBytes); // less without a refresh
    }

    private static TrainOptions Of(string name)
    {
        string[] parts = name.Split(", ");
        var options = parts[1] == "eager" ? Eager : Small;
        if (parts[0].Split(' ') is not ["policy", var policy]) return WithOptimizer(options, parts[0].Split(' '));
        return options with { Layers = 5, CheckpointBlocks = CheckpointPolicy.Parse(policy) };
    }

    private static TrainOptions WithOptimizer(TrainOptions options, string[] words) => options with
    {
        Optimizer = words[0], Preset = words.ElementAtOrDefault(1), Rank = words[0] is "apollo" or "galore" ? "4" : null,
    };

    private static (MemoryReport Begin, MemoryReport First, MemoryReport Later) Measure(
        TrainOptions options, ModelConfig shape, Arena planned)
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(1);
        if (options.ResidentBytes is { } most) device.Stream(folder.File("weights.stream"), most - StepPlan.RuntimeBytes);
        device.Arena.LearnPhases(planned);
        using var model = shape.Create(device, options.Seed);
        using var updater = Trainer.NewUpdater(options.Used(), model);
        if (device.Residency is null) Look();
        else updater.Step(options.Accumulate, Loss); // learns the order of uses
        device.Arena.ResetPeaks();
        updater.Step(options.Accumulate, Loss);
        var begin = device.Arena.Report;
        for (int i = 1; i < StepPlan.FirstSteps; i++) updater.Step(options.Accumulate, Loss);
        var first = device.Arena.Report;
        device.Arena.ResetPeaks();
        for (int i = 0; i < StepPlan.FirstSteps; i++) updater.Step(options.Accumulate, Loss);
        return (begin, first, device.Arena.Report);

        void Look() // as a run does before its first step
        {
            using var phase = device.Arena.Phase(SoundnessCheck.Phase);
            using var scope = device.Scope(SoundnessCheck.Phase);
            model.Eval();
            Loss(0).Item();
            model.Train();
        }

        Tensor Loss(int microBatch)
        {
            int[] ids = [.. Enumerable.Range(microBatch, options.Batch * shape.Context).Select(i => i * i % 50)];
            Tensor x = Tensor.From<int>(ids, (options.Batch, shape.Context), device), y = Tensor.From<int>(ids, x.Shape, device);
            return model.Loss(x, y, total: ids.Length * options.Accumulate);
        }
    }

    /// <summary>Every number of the books.</summary>
    private static string Books(MemoryReport report, bool blocks) => string.Join('\n', Enum.GetValues<Use>()
        .Select(use => $"{use}: {report.Live(use)}, at most {report.Peak(use)}")
        .Append($"together {report.LiveBytes}, at most {report.PeakBytes}")
        .Append(blocks ? $"reserved {report.ReservedBytes}, touched {report.TouchedBytes}" : ""));
}
