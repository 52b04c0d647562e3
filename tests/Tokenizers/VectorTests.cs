using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>The ids of vocabularies that others made, as those who made them give them.</summary>
public class VectorTests
{
    [Theory]
    [InlineData("r50k_base")]
    [InlineData("cl100k_base")]
    public void Ranks_give_the_published_ids(string encoding)
    {
        var tokenizer = TokenizerFile.Open(SharedFile.Get($"data/tokenizers/{encoding}.tiktoken"));
        using var vectors = JsonDocument.Parse(File.ReadAllText(SharedFile.Get("data/tokenizers/vectors.json")));
        int count = 0;
        foreach (var vector in vectors.RootElement.GetProperty(encoding).EnumerateArray())
        {
            string text = vector.GetProperty("text").GetString()!;
            int[] ids = [.. vector.GetProperty("tokens").EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(ids, tokenizer.Encode(text));
            Assert.Equal(text, tokenizer.Decode(ids));
            count++;
        }

        Assert.Equal(32, count);
    }

    [Fact]
    public void Gpt2s_two_files_are_r50k()
    {
        var ranks = TokenizerFile.Open(SharedFile.Get("data/tokenizers/r50k_base.tiktoken"));
        var files = TokenizerFile.Open(SharedFile.Get("data/tokenizers/gpt2-vocab.bpe"));
        Assert.Equal((50_257, 50_257), (ranks.VocabularySize, files.VocabularySize));
        string text = File.ReadAllText(SharedFile.Get("data/tinyshakespeare.txt"))[..100_000];
        Assert.Equal(ranks.Encode(text), files.Encode(text));
        Assert.Equal((50_256, 50_256), (ranks.EndOfText, files.EndOfText));
    }

    [Theory]
    [InlineData("hf-llama")]
    [InlineData("hf-gpt2-tiny")]
    public void Folders_of_models_give_the_ids_of_their_makers(string folder)
    {
        var tokenizer = Assert.IsType<SubwordTokenizer>(TokenizerFile.Open(SharedFile.Get($"data/{folder}/tokenizer.json")));
        using var vectors = JsonDocument.Parse(File.ReadAllText(SharedFile.Get($"data/{folder}/tokenizer_expected.json")));
        foreach (var vector in vectors.RootElement.GetProperty("vectors").EnumerateArray())
        {
            string text = vector.GetProperty("text").GetString()!;
            int[] ids = [.. vector.GetProperty("ids").EnumerateArray().Select(item => item.GetInt32())];
            int[] begin = tokenizer.BeginOfText is { } id ? [id] : [], encoded = [.. begin, .. tokenizer.EncodeWithSpecials(text)];
            Assert.Equal(ids, encoded);
        }
    }

    [Fact]
    public void Llama2cs_vocabulary_and_the_tokenizer_json_made_of_it_agree()
    {
        var own = TokenizerFile.Open(SharedFile.Get("data/tok512.bin"));
        var json = TokenizerFile.Open(SharedFile.Get("data/hf-llama/tokenizer.json"));
        string text = File.ReadAllText(SharedFile.Get("data/tinyshakespeare.txt"))[..20_000];
        foreach (string part in text.Split('\n').Append(text).Append("ünïcödé 漢字 🙂"))
        {
            Assert.Equal(json.Encode(part), own.Encode(part));
            Assert.Equal(part, own.Decode(own.Encode(part)));
        }

        Assert.Equal((512, 1, 1), (own.VocabularySize, own.BeginOfText, own.EndOfText));
    }
}
