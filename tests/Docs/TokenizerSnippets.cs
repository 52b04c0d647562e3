namespace Mayfly.Tests;

/// <summary>The code that docs/tokenizers.md and docs/models.md quote.</summary>
public sealed class TokenizerSnippets
{
    [Fact]
    public void A_file_is_opened_and_its_special_tokens_are_there()
    {
        using var folder = new TemporaryFolder();
        var trainer = new BpeTrainer(300);
        trainer.Add(new MemoryStream("Hello world, hello words"u8.ToArray()));
        trainer.Train().SaveHuggingFace(folder.File("tokenizer.json"));
        string file = folder.File("tokenizer.json");

        var tokenizer = TokenizerFile.Open(file);
        int[] ids = [.. tokenizer.Encode("Hello world"), tokenizer.SpecialTokens["<|endoftext|>"]];

        Assert.Equal(tokenizer.EndOfText, ids[^1]);
        Assert.Equal("Hello world", tokenizer.Decode(ids));
    }

    [Fact]
    public void A_model_of_others_goes_on()
    {
        string path = SharedFile.Get("data/stories260K.bin");
        using var device = Device.CreateCpu(threads: 1);

        using var pretrained = PretrainedModel.Open(path);
        using var model = pretrained.Create(device);
        int[] prompt = [pretrained.Tokenizer!.BeginOfText!.Value, .. pretrained.Tokenizer.Encode("Once")];
        string text = pretrained.Tokenizer.DecodeNext([.. model.Generate(prompt, 20, new Sampling { Temperature = 0 })]);

        Assert.StartsWith(" upon a time", text);
    }
}
