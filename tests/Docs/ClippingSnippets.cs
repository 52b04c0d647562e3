namespace Mayfly.Tests;

/// <summary>The code that docs/optimizers/clipping.md quotes.</summary>
public class ClippingSnippets
{
    [Fact]
    public void Two_passes_clip_while_stepping_eagerly()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new Gpt(new GptConfig { VocabularySize = 40, Context = 4, Layers = 1, Heads = 2, Width = 8 }, device);
        using var scope = device.Scope("test");
        Tensor ids = Tensor.From<int>([1, 2, 3, 4], (1, 4), device), targets = Tensor.From<int>([2, 3, 4, 5], (1, 4), device);
        var options = new UpdaterOptions { MaxNorm = 1, ClipMode = ClipMode.TwoPass };
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()), options);
        var report = updater.Step(() => model.Loss(ids, targets));
        Console.Out.WriteLine($"norm {report.GradientNorm}, clipped {report.Clipped}, passes {report.Passes}");
        Assert.Equal((2, ClipMode.TwoPass, report.GradientNorm > 1), (report.Passes, report.Clip, report.Clipped));
    }
}
