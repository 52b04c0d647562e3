using Mayfly.Benches;

namespace Mayfly.Tests;

/// <summary>Whole models on the GPU kernels, against the CPU.</summary>
public class GpuTrainingTests
{
    public static TheoryData<string> Rules => new(rules.Keys);

    private static readonly Dictionary<string, Func<Route>> rules = new()
    {
        ["adamw"] = () => Route.Default(new AdamW { WeightDecay = 0.1 }),
        ["apollo"] = () => Route.ForHidden(new Apollo { Rank = 2 }, new AdamW()),
        ["apollo-mini"] = () => Route.ForHidden(Apollo.Mini, new AdamW()),
        ["muon"] = () => Route.For(new Muon()),
        ["normuon"] = () => Route.For(NorMuon.Nanochat with { PerHead = true }),
        ["adalomo"] = () => Route.Default(new AdaLomo()),
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_small_gpt_trains_as_on_the_cpu(string rule)
    {
        using var gpu = TestDevice.Open();
        var expected = Losses(Device.Cpu, gpt, rules[rule]());
        var actual = Losses(gpu, gpt, rules[rule]());
        Assert.True(expected[0] > expected[^1]);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(1, pair.Second / pair.First, 1e-4));
        Assert.Equal(0, gpu.Arena.Report.LiveBytes);
    }

    [Fact]
    public void A_small_llama_trains_as_on_the_cpu()
    {
        using var gpu = TestDevice.Open();
        var config = new LlamaConfig { VocabularySize = 17, Context = 8, Width = 8, Heads = 2, KvHeads = 1, Layers = 2,
            CheckpointBlocks = true };
        var expected = Losses(Device.Cpu, config, Route.Default(new AdamW()));
        var actual = Losses(gpu, config, Route.Default(new AdamW()));
        Assert.All(expected.Zip(actual), pair => Assert.Equal(1, pair.Second / pair.First, 1e-4));
        Assert.Equal(0, gpu.Arena.Report.LiveBytes);
    }

    /// <summary>Deferred, so that all norms are read at once; they limit the step.</summary>
    [Fact]
    public void Norms_read_at_once_clip_as_on_the_cpu()
    {
        using var gpu = TestDevice.Open();
        var route = Route.Default(new AdamW(), UpdateMode.Deferred);
        var options = new UpdaterOptions { Schedule = 1e-2, Seed = 5, MaxNorm = 0.5 };
        var expected = Losses(Device.Cpu, gpt, route, options);
        var actual = Losses(gpu, gpt, route, options);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(1, pair.Second / pair.First, 1e-4));
    }

    /// <summary>Small parameters are scaled, measured and stepped eight at a time.</summary>
    [Fact]
    public void A_step_sends_out_small_parameters_together()
    {
        using var backend = TestDevice.NewBackend();
        using var gpu = new Device(backend);
        using var model = gpt.Create(gpu, seed: 3);
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW(), UpdateMode.Deferred),
            new UpdaterOptions { Schedule = 1e-2, MaxNorm = 1e-3 });
        updater.Step(() => model.Loss(Ids(gpu, 0), Ids(gpu, 1)));
        backend.Meter.Clear();
        Assert.True(updater.Step(() => model.Loss(Ids(gpu, 0), Ids(gpu, 1))).Clipped);
        int parameters = model.Parameters().Count, groups = (parameters + 7) / 8;
        Assert.InRange(parameters, 20, 100);
        long waits = backend.Meter.Waits;
        backend.Synchronize(); // the last steps wait for company
        Assert.Equal(groups, backend.Meter.ByKernel["SquaresKernels.Squares"]);
        Assert.Equal(groups, backend.Meter.ByKernel["UpdateKernels.Numbered"]);
        Assert.InRange(backend.Meter.ByKernel["UpdateKernels.Update"], groups, groups + 1);
        Assert.InRange(waits, 1, 3);
    }

    [Fact]
    public void Ids_that_a_copy_has_changed_are_read_back()
    {
        using var gpu = TestDevice.Open();
        using Tensor ids = Ids(gpu, 0), others = Ids(gpu, 1);
        gpu.Backend.Copy(others.Read("test"), ids.Write("test"));
        Assert.Equal(others.ToArray<int>(), ids.ToArray<int>());
        Assert.Equal([5, 2], ids.Slice(1, 0, 2).ToArray<int>());
    }

    private static readonly GptConfig gpt = new() { VocabularySize = 17, Context = 8, Width = 8, Heads = 2, Layers = 2, Dropout = 0.1f };

    private static double[] Losses(Device device, ModelConfig config, Route route, UpdaterOptions? options = null)
    {
        using var model = config.Create(device, seed: 3);
        using var updater = new Updater(model.Parameters(), route, options ?? new UpdaterOptions { Schedule = 1e-2, Seed = 5 });
        return [.. Enumerable.Range(0, 3).Select(_ => updater.Step(() => model.Loss(Ids(device, 0), Ids(device, 1))).Loss)];
    }

    private static Tensor Ids(Device device, int start) =>
        Tensor.From<int>(new[] { 1, 5, 2, 16, 0, 9, 9, 3, 11 }.AsSpan(start, 8), (1, 8), device);
}
