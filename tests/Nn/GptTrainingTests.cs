namespace Mayfly.Tests;

/// <summary>A GPT trained for some steps gives the same bits in every mode and leaves nothing behind.</summary>
public class GptTrainingTests
{
    private const int Steps = 3, Batch = 6, Time = 33;
    private static readonly GptConfig Small = new() { VocabularySize = 7, Context = Time, Layers = 2, Heads = 3, Width = 48, Dropout = 0.1f };

    public static TheoryData<string, GptConfig, UpdateMode, int> Modes => new()
    {
        { "eager", Small, UpdateMode.Eager, 1 },
        { "deferred", Small, UpdateMode.Deferred, 1 },
        { "checkpointed eager", Small with { CheckpointBlocks = true }, UpdateMode.Eager, 1 },
        { "checkpointed deferred", Small with { CheckpointBlocks = true }, UpdateMode.Deferred, 1 },
        { "two threads", Small, UpdateMode.Eager, 2 },
        { "three threads", Small, UpdateMode.Eager, 3 },
        { "three threads, checkpointed deferred", Small with { CheckpointBlocks = true }, UpdateMode.Deferred, 3 },
    };

    [Theory]
    [MemberData(nameof(Modes))]
    public void Every_mode_gives_the_same_bits(string name, GptConfig config, UpdateMode mode, int threads)
    {
        Assert.NotEmpty(name);
        foreach (bool tied in new[] { false, true })
        {
            using var plain = Device.CreateCpu(threads: 1);
            using var device = Device.CreateCpu(threads);
            // Long enough for several chunks in every kernel, so that threads do share the work.
            var expected = Train(plain, Small with { TiedHead = tied }, UpdateMode.Deferred);
            Assert.Equal(expected, Train(device, config with { TiedHead = tied }, mode));
        }
    }

    [Fact]
    public async Task Two_models_training_at_once_on_one_device_keep_their_bits()
    {
        using var device = Device.CreateCpu(threads: 2);
        using var plain = Device.CreateCpu(threads: 1);
        var models = new[] { Small, Small with { CheckpointBlocks = true, TiedHead = true } };
        var runs = models.Select(m => Task.Factory.StartNew(() => Train(device, m, UpdateMode.Eager, alone: false), TaskCreationOptions.LongRunning));
        var found = await Task.WhenAll(runs.ToArray());
        for (int i = 0; i < models.Length; i++) Assert.Equal(Train(plain, models[i], UpdateMode.Eager), found[i]);
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void Training_lowers_the_loss_of_what_it_sees()
    {
        using var device = Device.CreateCpu(threads: 2);
        using var gpt = new Gpt(Small with { Dropout = 0 }, device);
        using var updater = new Updater(gpt.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Schedule = 1e-2 });
        double first = updater.Step(() => Loss(gpt, 0, 3, 13)).Loss, last = first;
        for (int step = 0; step < 60; step++) last = updater.Step(() => Loss(gpt, 0, 3, 13)).Loss;
        Assert.InRange(first, 1.9, 2.0);
        Assert.True(last < 0.5 * first, $"{first} -> {last}");
    }

    /// <summary>
    /// The bits of all weights after some steps. Where the model is alone on its device, the arena holds weights and optimizer state only between
    /// steps, to the byte.
    /// </summary>
    private static int[] Train(Device device, GptConfig config, UpdateMode mode, bool alone = true)
    {
        using var gpt = new Gpt(config, device, seed: 9);
        GptTests.Spread(gpt);
        using var updater = new Updater(gpt.Parameters(), Route.Default(new AdamW(), mode), new UpdaterOptions { Seed = 4, Schedule = 1e-2 });
        long weights = gpt.ParameterCount * sizeof(float);
        for (int step = 0; step < Steps; step++)
        {
            updater.Step(() => Loss(gpt, step));
            if (alone) CheckAtRest(device.Arena.Report, weights, updater.StateBytes);
        }

        return [.. gpt.Parameters().SelectMany(p => p.Value.ToArray()).Select(BitConverter.SingleToInt32Bits)];
    }

    private static void CheckAtRest(MemoryReport report, long weights, long state)
    {
        Assert.Equal(weights, report.Live(Use.Weight));
        Assert.Equal(state, report.Live(Use.State));
        Assert.Equal(weights + state, report.LiveBytes);
    }

    private static Tensor Loss(Gpt gpt, int step, int batch = Batch, int time = Time) =>
        gpt.Loss(GptTests.Ids(gpt.Device, batch, time, step), GptTests.Ids(gpt.Device, batch, time, step + 50));
}
