namespace Mayfly.Tests;

/// <summary>How a device streams in a test.</summary>
/// <param name="Name">The line's name.</param>
/// <param name="ResidentBytes">The bound; 0 lets nothing stay longer than it is used.</param>
public sealed record StreamLine(string Name, long ResidentBytes)
{
    public override string ToString() => Name;

    internal StreamOptions Options(StreamDisk? disk = null) =>
        new() { ResidentBytes = ResidentBytes, LeastBytes = 1, Spoils = ResidentBytes == 0, Disk = disk ?? new StreamDisk() };
}

/// <summary>Weights and states that live in a file give the bits of those in memory: for every rule, type, mode and model.</summary>
public class StreamedTrainingTests
{
    private static readonly StreamLine Dropping = new("nothing stays", 0);

    private static readonly StoredLine[] stored =
    [
        new("f32", DType.F32),
        new("bf16 all", DType.BF16, DType.BF16, DType.BF16),
        new("int8 weights", DType.Int8),
        new("bf16 with masters", DType.BF16, Masters: true),
    ];

    public static TheoryData<RuleLine> Rules => RuleTable.All;

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_rule_gives_the_bits_of_memory(RuleLine rule)
    {
        foreach (var line in stored)
        {
            var expected = Train(rule, line, UpdateMode.Deferred, null);
            Assert.Equal(expected, Train(rule, line, UpdateMode.Eager, Dropping));
        }
    }

    private static readonly LlamaConfig Llama = new()
    {
        VocabularySize = 19, Context = 12, Layers = 3, Heads = 6, KvHeads = 2, Width = 48, Dropout = 0.1f, CheckpointBlocks = true,
    };

    private static readonly GptConfig Gpt = new()
    {
        VocabularySize = 19, Context = 12, Layers = 3, Heads = 3, Width = 48, Dropout = 0.1f, CheckpointBlocks = true,
    };

    private static readonly (string Name, ModelConfig Shape, UpdateMode Mode, UpdaterOptions Options)[] models =
    [
        ("llama", Llama, UpdateMode.Eager, new()),
        ("llama, tied", Llama with { TiedHead = true }, UpdateMode.Eager, new()),
        ("llama, not checkpointed", Llama with { CheckpointBlocks = false }, UpdateMode.Eager, new()),
        ("llama, checkpoints in checkpoints", Llama with { CheckpointBlocks = CheckpointPolicy.Sqrt }, UpdateMode.Eager, new()),
        ("llama, bf16", Llama with { Weights = DType.BF16 }, UpdateMode.Eager,
            new() { StateType = DType.BF16, GradientType = DType.BF16 }),
        ("llama, int8", Llama with { Weights = DType.Int8 }, UpdateMode.Eager, new() { Accumulate = 2, GradientType = DType.BF16 }),
        ("llama, deferred", Llama, UpdateMode.Deferred, new() { MaxNorm = 0.1 }),
        ("gpt, tied", Gpt with { TiedHead = true }, UpdateMode.Eager, new() { Accumulate = 3 }),
        ("gpt, two passes", Gpt, UpdateMode.Eager, new() { MaxNorm = 0.1, ClipMode = ClipMode.TwoPass }),
        ("gpt, masters", Gpt with { Weights = DType.BF16 }, UpdateMode.Eager, new() { MasterWeights = true }),
    ];

    public static TheoryData<string> Models => [.. models.Select(m => m.Name)];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_gives_the_bits_of_memory_within_any_bound(string name)
    {
        var (_, shape, mode, options) = models.First(m => m.Name == name);
        var expected = Train(shape, mode, options, null, out long all);
        Assert.Equal(expected, Train(shape, mode, options, Dropping, out _));
        bool isKept = mode == UpdateMode.Deferred || options.Accumulate > 1; // all gradients wait in memory
        foreach (int percent in (int[])[80, isKept ? 60 : 40])
        {
            var bound = new StreamLine($"{percent} %", all * percent / 100);
            Assert.Equal(expected, Train(shape, mode, options, bound, out long most));
            Assert.InRange(most, 1, bound.ResidentBytes);
        }
    }

    private static byte[][] Train(RuleLine rule, StoredLine line, UpdateMode mode, StreamLine? stream)
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(threads: 1);
        if (stream is not null) device.Stream(folder.File("weights.stream"), stream.Options());
        using var model = new TinyModel(device, type: line.Weights);
        using var updater = new Updater(model.Parameters, RuleTable.Everywhere(rule.Make(), mode), line.Options(rule.LearningRate));
        for (int step = 0; step < 3; step++) updater.Step(() => model.Loss(step, 4, 0.05, checkpoint: true, dropout: 0.1f));
        return Bytes(model.Parameters, updater);
    }

    private static byte[][] Train(ModelConfig shape, UpdateMode mode, UpdaterOptions options, StreamLine? stream, out long most)
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(threads: 2);
        if (stream is not null) device.Stream(folder.File("weights.stream"), stream.Options());
        using var model = shape.Create(device);
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW(), mode), options with { Schedule = 1e-2 });
        most = device.Arena.Report.TouchedBytes;
        for (int step = 0; step < 3; step++)
        {
            updater.Step(() => Loss(model, step));
            most = Math.Max(most, device.Arena.Report.TouchedBytes);
            Evaluate(model, step);
        }

        return Bytes(model.Parameters(), updater);
    }

    /// <summary>Uses the weights in another order between two steps.</summary>
    private static void Evaluate(LanguageModel model, int step)
    {
        using var scope = model.Device.Scope("evaluation");
        model.Eval();
        Assert.True(double.IsFinite(Loss(model, step).Item()));
        model.Train();
    }

    private static Tensor Loss(LanguageModel model, int step)
    {
        int[] ids = [.. Enumerable.Range(step, 3 * model.Context).Select(i => i * i % model.VocabularySize)];
        return model.Loss(Tensor.From<int>(ids, (3, model.Context), model.Device), Tensor.From<int>(ids, (3, model.Context), model.Device));
    }

    /// <summary>The stored bytes of weights and states.</summary>
    private static byte[][] Bytes(IEnumerable<Parameter> parameters, Updater updater) =>
    [
        .. parameters.Select(p => Bytes(p.Value)), .. updater.States.SelectMany(s => s.Tensors).Select(t => Bytes(t.Value)),
    ];

    private static byte[] Bytes(Tensor tensor)
    {
        using var memory = new MemoryStream();
        var writer = new SafeTensorsWriter();
        writer.Add("x", tensor);
        writer.WriteTo(memory);
        return memory.ToArray();
    }
}
