using System.Text;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>What is wrong with a tokenizer's file is said in one line that names the file and the field.</summary>
public class TokenizerFileTests
{
    private const string Bpe = """{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}""";

    [Theory]
    [InlineData("t.json", "", "format", "it is of none that is known")]
    [InlineData("t.json", "{", "format", "none")]
    [InlineData("t.json", """{"model": """, "JSON", "it is no JSON from line 1")]
    [InlineData("t.json", """{"model":{"type":"WordPiece","vocab":{}}}""",
        "model.type", "'WordPiece' is not supported; known are BPE, Unigram")]
    [InlineData("t.json", """{"model":{"type":"BPE","vocab":{},"merges":[]}}""", "model.vocab", "no tokens")]
    [InlineData("t.json", """{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}""", "model.vocab[\"a\"]", "whole number")]
    [InlineData("t.json", """{"model":{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}}""", "model.vocab", "id 0 is that of another")]
    [InlineData("t.json", """{"model":{"type":"BPE","vocab":{"a":2147483647},"merges":[]}}""", "model.vocab", "far beyond")]
    [InlineData("t.json", """{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}}""", "model.merges[0]", "'ab' is no token")]
    [InlineData("t.json", """{"model":{"type":"BPE","vocab":{"a":0},"merges":["a"]}}""", "model.merges[0]", "two tokens")]
    [InlineData("t.json", """{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}}""", "model.merges[0]", "two tokens")]
    [InlineData("t.json", """{"model":{"type":"BPE","vocab":{"a":0},"merges":{}}}""", "model.merges", "an array")]
    [InlineData("t.json", """{"model":{"type":"BPE","vocab":{"a":0},"merges":[],"end_of_word_suffix":"</w>"}}""",
        "model.end_of_word_suffix", "not supported")]
    [InlineData("t.json", """{"model":{"type":"BPE","vocab":{"a":0},"merges":[],"unk_token":"?"}}""", "model.unk_token", "'?' is no token")]
    [InlineData("t.json", """{"model":{"type":"Unigram","unk_id":7,"vocab":[["a",0.5]]}}""", "model.unk_id", "no such token")]
    [InlineData("t.json", """{"model":{"type":"Unigram","unk_id":0,"vocab":[["a"]]}}""", "", "a number is needed")]
    [InlineData("t.json", """{"model":MODEL,"normalizer":{"type":"BertNormalizer"}}""", "normalizer", "'BertNormalizer' is not supported")]
    [InlineData("t.json", """{"model":MODEL,"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Nobody"}]}}""",
        "pre_tokenizer.pretokenizers[0]", "'Nobody' is not supported")]
    [InlineData("t.json", """{"model":MODEL,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"}}""",
        "pre_tokenizer.pattern.Regex", "the pattern ( is not supported")]
    [InlineData("t.json", """{"model":MODEL,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"[a&&b]"},"behavior":"Isolated"}}""",
        "pre_tokenizer.pattern.Regex", "&& in a class")]
    [InlineData("t.json", """{"model":MODEL,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"a"},"behavior":"Sometimes"}}""",
        "pre_tokenizer.behavior", "'Sometimes' is not supported")]
    [InlineData("t.json", """{"model":MODEL,"decoder":{"type":"WordPiece"}}""", "decoder", "'WordPiece' is not supported")]
    [InlineData("t.json", """{"model":MODEL,"post_processor":{"type":"Other"}}""", "post_processor", "'Other' is not supported")]
    [InlineData("t.json", """{"model":MODEL,"added_tokens":[{"id":"1","content":"x"}]}""", "added_tokens[0].id", "whole number")]
    [InlineData("t.tiktoken", "YQ== 0\nYg== x\n", "line 2", "rank")]
    [InlineData("t.tiktoken", "YQ== 0\n?? 1\n", "line 2", "base64")]
    [InlineData("t.tiktoken", "YQ== 0\nYg== 0\n", "line 2", "id 0 is that of another")]
    [InlineData("t.tiktoken", "YQ== 0\nYg== 1\n", "ranks", "there are 2; the pattern")]
    [InlineData("t.model", "\n\u0005ab", "model", "cut short")]
    [InlineData("t.model", "\n\u0003\n\u0001a\u0012\u0002\u0018\u0004", "trainer_spec.model_type", "the type 4 is not supported")]
    [InlineData("t.model", "\n\u0002\n\u0000", "pieces[0].piece", "empty")]
    public void Bad_files_are_named(string name, string content, string field, string problem)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File(name);
        File.WriteAllBytes(path, Encoding.Latin1.GetBytes(content.Replace("MODEL", Bpe)));
        var error = Assert.Throws<BadFileException>(() => TokenizerFile.Open(path));
        Assert.Equal(path, error.File);
        if (field.Length > 0) Assert.StartsWith(field, error.Field);
        Assert.Contains(problem, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void What_is_not_there_is_named()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("missing", Assert.Throws<InputException>(() => TokenizerFile.Open(folder.File("missing.json"))).Message);
        Assert.Contains("holds no tokenizer", Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message);
        folder.Write("vocab.json", "{}");
        Assert.Contains("merges.txt", Assert.Throws<InputException>(() => TokenizerFile.Open(folder.File("vocab.json"))).Message);
    }

    [Fact]
    public void Gpt2s_files_name_the_line()
    {
        using var folder = new TemporaryFolder();
        folder.Write("encoder.json", """{"a":0,"b":1,"ab":2}""");
        foreach (var (merges, line) in new[] { ("#version: 0.2\na b c\n", "line 2"), ("a b\na a\n", "line 2"), ("b  a\n", "line 1") })
        {
            folder.Write("vocab.bpe", merges);
            Assert.Equal(line, Assert.Throws<BadFileException>(() => TokenizerFile.Open(folder.File("vocab.bpe"))).Field);
        }

        folder.Write("vocab.bpe", "#version: 0.2\na b\n");
        Assert.Equal([2, 0], TokenizerFile.Open(folder.Path).Encode("aba"));
    }

    [Fact]
    public void Our_own_files_open_too()
    {
        using var folder = new TemporaryFolder();
        new CharTokenizer("abc").Save(folder.File("c.json"));
        Assert.IsType<CharTokenizer>(TokenizerFile.Open(folder.File("c.json")));
        var trainer = new BpeTrainer(260);
        trainer.Add(new MemoryStream("abcabcabc"u8.ToArray()));
        trainer.Train().Save(folder.File("s.json"));
        Assert.Equal([257], TokenizerFile.Open(folder.File("s.json")).Encode("abc"));
    }

    [Theory]
    [InlineData("\"format\":\"huggingface\"", "\"format\":\"other\"", "format")]
    [InlineData("\"bytes\":", "\"bytes\":1", "content")]
    [InlineData("\"content\":\"", "\"content\":\"?", "content")]
    [InlineData("\"content\":\"", "\"content\":\"AAAA", "content")]
    [InlineData("\"end\":", "\"end\":9", "end")]
    public void A_stored_tokenizer_that_was_changed_is_named(string old, string changed, string field)
    {
        var trainer = new BpeTrainer(260);
        trainer.Add(new MemoryStream("abcabcabc"u8.ToArray()));
        string json = trainer.Train().ToJson();
        Assert.Contains(old, json);
        var error = Assert.Throws<BadFileException>(() => Tokenizer.FromJson(json.Replace(old, changed), "t.json"));
        Assert.Equal(("t.json", field), (error.File, error.Field));
    }

    /// <summary>Changed bytes, cuts and repetitions give a tokenizer or one error that names the file, and never anything else.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Damaged_files_are_errors_or_tokenizers(int seed) => TokenizerFuzz.Run(seed, 400);
}
