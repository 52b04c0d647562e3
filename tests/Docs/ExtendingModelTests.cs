using Extending;

namespace Mayfly.Tests;

/// <summary>The sample's models, tokenizer and low-rank layers, made of the public API alone.</summary>
public sealed class ExtendingModelTests : IDisposable
{
    private readonly Device device = Device.CreateCpu(threads: 1);
    private readonly TemporaryFolder folder = new();

    private static readonly WordTokenizer Words = new("one two three four five six seven eight nine ten eleven twelve".Split(' '));

    private static readonly ParallelConfig Parallel = new()
    {
        VocabularySize = Words.VocabularySize,
        Context = 12,
        Layers = 2,
        Heads = 2,
        Width = 32,
    };

    public void Dispose()
    {
        folder.Dispose();
        device.Dispose();
    }

    [Fact]
    public void Models_of_ones_own_train_are_saved_and_loaded_and_go_on()
    {
        var output = new StringWriter();
        LanguageModels.Run(output, folder.Path);
        Assert.Equal(
            [
                "ParallelConfig: two three four five six seven ", "backwards: five four three two one ",
                "TrigramConfig: two three four five six seven ",
            ],
            output.ToString().Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Low_rank_changes_start_as_the_model_and_train_alone()
    {
        LanguageModels.Register();
        using var model = new Decoder(Parallel, device);
        LanguageModels.Train(model, Words, folder.Path);
        using var ids = Tensor.From<int>(Words.Encode("five one twelve"), (1, 3), device);
        var trained = Scores(model, ids);
        int count = model.Parameters().Count;
        var source = new ParameterSource(device, seed: 2);
        Assert.Equal(2, model.Replace("*.projection", layer => new Extending.Lora(source, (Linear)layer, rank: 2)));
        Assert.Equal(trained, Scores(model, ids));
        Assert.Equal(count + 2 * 2, model.Parameters().Count);
        Assert.Equal(new Shape(2, 32), model["blocks.1.attention.projection.down.weight"].Shape);

        var weights = model.Parameters().ToList();
        var before = weights.ConvertAll(p => p.Value.ToArray());
        LanguageModels.FineTune(model, Words);
        Assert.Equal(before, weights.ConvertAll(p => p.Value.ToArray()));
        Assert.Equal("three two one ", LanguageModels.Continue(model, Words, "five four", 3));
    }

    [Fact]
    public void A_model_with_low_rank_changes_is_saved_and_loaded()
    {
        using Decoder first = Changed(seed: 1), second = Changed(seed: 9);
        GptTests.Spread(first);
        Snapshot.Save(folder.Path, first.Parameters(), null, 1, first.Config, Words);
        LanguageModels.Register();
        using var snapshot = Snapshot.Open(folder.Path);
        snapshot.Restore(second.Parameters());
        using var ids = Tensor.From<int>([3, 1, 4], (1, 3), device);
        Assert.Equal(Scores(first, ids), Scores(second, ids));
        using var plain = new Decoder(Parallel, device);
        Assert.Equal("blocks.0.attention.qkv.weight", Assert.Throws<BadFileException>(() => snapshot.Restore(plain.Parameters())).Field);

        Decoder Changed(ulong seed)
        {
            var model = new Decoder(Parallel, device, seed);
            model.Replace("*.qkv", layer => new Extending.Lora(new ParameterSource(device, seed), (Linear)layer, rank: 3));
            return model;
        }
    }

    [Fact]
    public void Words_outside_the_vocabulary_are_errors()
    {
        Assert.Contains("'zero' is not among the 12 words", Assert.Throws<InputException>(() => Words.Encode("one zero")).Message);
        Assert.Contains("id 12 at index 1", Assert.Throws<ArgumentOutOfRangeException>(() => Words.Decode([0, 12])).Message);
    }

    private static float[] Scores(LanguageModel model, Tensor ids)
    {
        using var scores = model.Logits(ids);
        return scores.ToArray();
    }
}
