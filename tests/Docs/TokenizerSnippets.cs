namespace Mayfly.Tests;

/// <summary>The code that docs/tokenizers.md quotes.</summary>
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
}
