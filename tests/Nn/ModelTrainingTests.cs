namespace Mayfly.Tests;

/// <summary>A GPT or a Llama trained for some steps gives the same bits in every mode and leaves nothing behind.</summary>
public class ModelTrainingTests
{
    private const int Steps = 3, Batch = 6, Time = 33;
    private static readonly GptConfig Small = new() { VocabularySize = 7, Context = Time, Layers = 2, Heads = 3, Width = 48,
        Dropout = 0.1f };

    private static readonly LlamaConfig SmallLlama = new()
    {
        VocabularySize = 7,
        Context = Time,
        Layers = 2,
        Heads = 6,
        KvHeads = 2,
        Width = 48,
        Dropout = 0.1f,
    };

    public static TheoryData<string, ModelConfig, UpdateMode, int> Modes => new()
    {
        { "eager", Small, UpdateMode.Eager, 1 },
        { "deferred", Small, UpdateMode.Deferred, 1 },
        { "checkpointed eager", Small with { CheckpointBlocks = true }, UpdateMode.Eager, 1 },
        { "checkpointed deferred", Small with { CheckpointBlocks = true }, UpdateMode.Deferred, 1 },
        { "every second block checkpointed", Small with { CheckpointBlocks = CheckpointPolicy.Every(2), Layers = 3 }, UpdateMode.Eager, 1 },
        { "first blocks checkpointed", Small with { CheckpointBlocks = CheckpointPolicy.First(2), Layers = 3 }, UpdateMode.Deferred, 1 },
        { "checkpoints in checkpoints", Small with { CheckpointBlocks = CheckpointPolicy.Sqrt, Layers = 5 }, UpdateMode.Eager, 1 },
        {
            "Llama, checkpoints in checkpoints", SmallLlama with { CheckpointBlocks = CheckpointPolicy.Sqrt, Layers = 3 },
            UpdateMode.Eager, 2
        },
        { "two threads", Small, UpdateMode.Eager, 2 },
        { "three threads", Small, UpdateMode.Eager, 3 },
        { "three threads, checkpointed deferred", Small with { CheckpointBlocks = true }, UpdateMode.Deferred, 3 },
        { "Llama, eager", SmallLlama, UpdateMode.Eager, 1 },
        { "Llama by halves, checkpointed eager", SmallLlama with { RotaryHalves = true, CheckpointBlocks = true }, UpdateMode.Eager, 1 },
        { "Llama, three threads, checkpointed deferred", SmallLlama with { CheckpointBlocks = true }, UpdateMode.Deferred, 3 },
        { "Llama, two threads", SmallLlama with { RotaryHalves = true }, UpdateMode.Eager, 2 },
    };

    [Theory]
    [MemberData(nameof(Modes))]
    public void Every_mode_gives_the_same_bits(string name, ModelConfig config, UpdateMode mode, int threads)
    {
        Assert.NotEmpty(name);
        foreach (bool tied in new[] { false, true })
        {
            using var plain = Device.CreateCpu(threads: 1);
            using var device = Device.CreateCpu(threads);
            // Long enough for several chunks in every kernel, so that threads do share the work.
            var expected = Train(plain, config with { CheckpointBlocks = false, TiedHead = tied }, UpdateMode.Deferred);
            Assert.Equal(expected, Train(device, config with { TiedHead = tied }, mode));
        }
    }

    /// <summary>The sizes of benches/StepBench, where every product and attention is cut into many pieces.</summary>
    public static TheoryData<string, ModelConfig, int> BenchSizes => new()
    {
        { "S", new GptConfig { VocabularySize = 65, Context = 64, Layers = 4, Heads = 4, Width = 128, TiedHead = true }, 12 },
        { "S, Llama", new LlamaConfig { VocabularySize = 65, Context = 64, Layers = 4, Heads = 4, KvHeads = 2, Width = 128 }, 12 },
        { "M, Llama", new LlamaConfig { VocabularySize = 65, Context = 256, Layers = 6, Heads = 6, KvHeads = 2, Width = 384,
            TiedHead = true }, 1 },
    };

    [Theory]
    [MemberData(nameof(BenchSizes))]
    public void Eager_on_two_threads_is_deferred_on_one_at_the_sizes_of_the_bench(string name, ModelConfig config, int batch)
    {
        Assert.NotEmpty(name);
        using var one = Device.CreateCpu(threads: 1);
        using var two = Device.CreateCpu(threads: 2);
        Assert.Equal(Train(one, config, UpdateMode.Deferred, steps: 2, batch: batch),
            Train(two, config, UpdateMode.Eager, steps: 2, batch: batch));
    }

    /// <summary>
    /// Garbage goes with the number of nodes, not their size: as many blocks as a model of 124 million parameters, and narrow ones.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_steady_step_of_twelve_blocks_makes_less_than_100_kB_of_garbage(bool llama)
    {
        using var device = Device.CreateCpu(threads: 1);
        ModelConfig config = llama ? SmallLlama : Small;
        using var model = (config with { Layers = 12, TiedHead = true, Dropout = 0 }).Create(device);
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW(), UpdateMode.Eager),
            new UpdaterOptions { Schedule = 1e-3 });
        for (int step = 0; step < 5; step++) updater.Step(() => Loss(model, step, 1, 9));
        long before = GC.GetAllocatedBytesForCurrentThread();
        updater.Step(() => Loss(model, 5, 1, 9));
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(bytes, 1, 100_000);
    }

    [Fact]
    public void As_many_key_heads_as_heads_train_as_the_default_to_the_bit()
    {
        using var device = Device.CreateCpu(threads: 1);
        Assert.Equal(Train(device, SmallLlama with { KvHeads = 0 }, UpdateMode.Eager),
            Train(device, SmallLlama with { KvHeads = SmallLlama.Heads }, UpdateMode.Eager));
    }

    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void Every_vector_width_gives_the_same_bits_for_any_threads(int bits)
    {
        using var one = Device.CreateCpu(1, bits);
        var expected = Train(one, Small, UpdateMode.Deferred);
        foreach (int threads in new[] { 2, 3 })
        {
            using var several = Device.CreateCpu(threads, bits);
            Assert.Equal(expected, Train(several, Small with { CheckpointBlocks = threads == 3 }, UpdateMode.Eager));
        }
    }

    [Fact]
    public async Task Two_models_training_at_once_on_one_device_keep_their_bits()
    {
        using var device = Device.CreateCpu(threads: 2);
        using var plain = Device.CreateCpu(threads: 1);
        var models = new ModelConfig[] { Small, Small with { CheckpointBlocks = true, TiedHead = true }, SmallLlama };
        var runs = models.Select(m =>
            Task.Factory.StartNew(() => Train(device, m, UpdateMode.Eager, alone: false), TaskCreationOptions.LongRunning));
        var found = await Task.WhenAll(runs.ToArray());
        for (int i = 0; i < models.Length; i++) Assert.Equal(Train(plain, models[i], UpdateMode.Eager), found[i]);
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Training_lowers_the_loss_of_what_it_sees(bool llama)
    {
        using var device = Device.CreateCpu(threads: 2);
        ModelConfig config = llama ? SmallLlama : Small;
        using var gpt = (config with { Dropout = 0 }).Create(device);
        using var updater = new Updater(gpt.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Schedule = 1e-2 });
        double first = updater.Step(() => Loss(gpt, 0, 3, 13)).Loss, last = first;
        for (int step = 0; step < 60; step++) last = updater.Step(() => Loss(gpt, 0, 3, 13)).Loss;
        Assert.InRange(first, 1.9, 2.0);
        Assert.True(last < 0.5 * first, $"{first} -> {last}");
    }

    /// <summary>
    /// The bits of all weights after some steps. Where the model is alone on its device, the arena holds weights and optimizer state only
    /// between steps, to the byte.
    /// </summary>
    private static int[] Train(Device device, ModelConfig config, UpdateMode mode, bool alone = true, int steps = Steps, int batch = Batch)
    {
        using var model = config.Create(device, seed: 9);
        GptTests.Spread(model);
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW(), mode),
            new UpdaterOptions { Seed = 4, Schedule = 1e-2 });
        long weights = model.ParameterCount * sizeof(float);
        for (int step = 0; step < steps; step++)
        {
            updater.Step(() => Loss(model, step, batch, config.Context));
            if (alone) CheckAtRest(device.Arena.Report, weights, updater.StateBytes, Angles(config));
        }

        return [.. model.Parameters().SelectMany(p => p.Value.ToArray()).Select(BitConverter.SingleToInt32Bits)];
    }

    private static void CheckAtRest(MemoryReport report, long weights, long state, long angles)
    {
        Assert.Equal(weights, report.Live(Use.Weight));
        Assert.Equal(state, report.Live(Use.State));
        Assert.Equal(weights + state + angles, report.LiveBytes);
    }

    /// <summary>The bytes of the rotary table.</summary>
    private static long Angles(ModelConfig config) => config is LlamaConfig ? (long)config.Context * config.HeadSize * sizeof(float) : 0;

    private static Tensor Loss(LanguageModel model, int step, int batch = Batch, int time = Time) =>
        model.Loss(GptTests.Ids(model.Device, batch, time, step), GptTests.Ids(model.Device, batch, time, step + 50));
}
