namespace Mayfly.Tests;

/// <summary>
/// The code that the pages of Lomo, AdaLomo, Adafactor and GaLore quote: each trains a small model with less state than AdamW.
/// </summary>
public class LowStateSnippets
{
    [Fact]
    public void Lomo_keeps_nothing()
    {
        var route = Route.Default(new Lomo { ClipValue = 1 });
        var options = new UpdaterOptions { Schedule = 0.3, MaxNorm = 1, ClipMode = ClipMode.TwoPass };
        Assert.Equal(0, StateBytes(route, options));
    }

    [Fact]
    public void AdaLomo_keeps_rows_and_columns()
    {
        var route = Route.Default(new AdaLomo());
        var options = new UpdaterOptions { Schedule = 1e-3 };
        Assert.InRange(StateBytes(route, options), 1, AdamWBytes() / 6);
    }

    [Fact]
    public void Adafactor_may_keep_a_first_moment()
    {
        var route = Route.Default(Adafactor.HuggingFace with { RelativeStep = false, Beta1 = 0.9 });
        var options = new UpdaterOptions { Schedule = new WarmUpCosine(1e-3, 1e-4, 100, 1000) };
        Assert.InRange(StateBytes(route, options), AdamWBytes() / 2, 2 * AdamWBytes() / 3);
    }

    [Fact]
    public void GaLore_keeps_moments_of_the_rank()
    {
        var route = Route.Default(new GaLore { Rank = 64, Refresh = 100 });
        var options = new UpdaterOptions { Schedule = 0.01 };
        Assert.InRange(StateBytes(route, options), 1, AdamWBytes()); // this model's matrices are smaller than the rank
    }

    private static long AdamWBytes() => StateBytes(Route.Default(new AdamW()), new UpdaterOptions());

    private static long StateBytes(Route route, UpdaterOptions options)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new Gpt(new GptConfig { VocabularySize = 40, Context = 4, Layers = 1, Heads = 2, Width = 16 }, device);
        using var scope = device.Scope("test");
        Tensor ids = Tensor.From<int>([1, 2, 3, 4], (1, 4), device), targets = Tensor.From<int>([2, 3, 4, 5], (1, 4), device);
        using var updater = new Updater(model.Parameters(), route, options);
        double first = updater.Step(() => model.Loss(ids, targets)).Loss, last = first;
        for (int i = 0; i < 5; i++) last = updater.Step(() => model.Loss(ids, targets)).Loss;
        Assert.True(last < first, $"the loss went from {first} to {last}");
        return updater.StateBytes;
    }
}
