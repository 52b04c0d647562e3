namespace Mayfly.Tests;

/// <summary>The code that docs/gpu.md quotes.</summary>
public class DeviceSnippets
{
    [Fact]
    public void A_model_lives_on_a_device_by_name()
    {
        using var device = Device.Open("auto"); // the first GPU there is, or else the CPU
        using var model = new Gpt(new GptConfig { VocabularySize = 8, Context = 4, Layers = 1, Heads = 1, Width = 8 }, device);
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { ReadEvery = 10 });
        Assert.Same(device, model.Device);
        using var ids = Tensor.From<int>([1, 2, 3, 4], (1, 4), device);
        updater.Step(() => model.Loss(ids, ids));
    }

    [Fact]
    public void Devices_are_listed_with_what_is_missing()
    {
        var names = new List<string>();
        foreach (var entry in Device.List())
            Console.Out.WriteLine($"{entry.Name}: {(entry.IsAvailable ? "" : "not there, ")}{entry.Description}");
        foreach (var entry in Device.List()) names.Add(entry.Name);
        Assert.Equal("cpu", names[0]);
    }
}
