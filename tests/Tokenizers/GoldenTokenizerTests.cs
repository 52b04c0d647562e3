using System.Text;
using System.Text.Json;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>Ids that the makers' own programs give, for texts that are cut in many ways. The folder oracle has what asked them.</summary>
public class GoldenTokenizerTests
{
    /// <summary>.NET runs the tests without ICU, and says so where a text has to be normalized that may not be.</summary>
    private const string Composed = "composed";

    public static TheoryData<string> Kinds => [.. Cases().Select(c => c.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_tokenizer_json_gives_the_ids_of_hugging_faces_tokenizers(string kind)
    {
        var made = Cases().Single(c => c.GetProperty("name").GetString() == kind);
        var tokenizer = Open(made.GetProperty("tokenizer").GetRawText());
        foreach (var (text, ids) in Vectors(made.GetProperty("vectors")))
            if (kind != Composed || IsComposed(text)) Check(kind, text, ids, Encoded(tokenizer, text));
            else Assert.Contains("ICU", Assert.Throws<InputException>(() => tokenizer.Encode(text)).Message);
    }

    [Theory]
    [InlineData("gpt2", "r50k_base")]
    [InlineData("cl100k", "cl100k_base")]
    [InlineData("o200k", "o200k_base")]
    public void Names_give_the_ids_of_tiktoken(string name, string encoding)
    {
        var tokenizer = TokenizerChoice.Open(name)!;
        using var golden = JsonDocument.Parse(File.ReadAllText(Golden("tiktoken.json")));
        foreach (var (text, ids) in Vectors(golden.RootElement.GetProperty(encoding)))
        {
            Check(name, text, ids, tokenizer.Encode(text));
            Assert.Equal(text, tokenizer.Decode(ids));
        }
    }

    /// <summary>What is written as tokenizer.json means the same.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_is_written_gives_the_same_ids(string kind)
    {
        var made = Cases().Single(c => c.GetProperty("name").GetString() == kind);
        var tokenizer = Open(made.GetProperty("tokenizer").GetRawText());
        var written = new MemoryStream();
        HuggingFaceWriter.Write(written, tokenizer.Definition);
        var (again, stored) = (Open(Encoding.UTF8.GetString(written.ToArray())), Tokenizer.FromJson(tokenizer.ToJson(), "t"));
        foreach (var (text, _) in Vectors(made.GetProperty("vectors")).Where(v => kind != Composed || IsComposed(v.Text)))
        {
            Assert.Equal(tokenizer.EncodeWithSpecials(text), again.EncodeWithSpecials(text));
            Assert.Equal(tokenizer.Encode(text), stored.Encode(text));
        }
    }

    private static bool IsComposed(string text) => Mayfly.Composed.FirstOther(text) is null;

    /// <summary>With the special tokens around the text that the only template here puts there.</summary>
    private static int[] Encoded(SubwordTokenizer tokenizer, string text)
    {
        int[] ids = tokenizer.EncodeWithSpecials(text);
        return tokenizer.BeginOfText is { } begin ? [begin, .. ids, tokenizer.EndOfText!.Value] : ids;
    }

    private static void Check(string kind, string text, int[] expected, int[] found) => Assert.True(expected.SequenceEqual(found),
        $"{kind}: {JsonSerializer.Serialize(text)}\n{string.Join(' ', expected)}\n{string.Join(' ', found)}");

    private static SubwordTokenizer Open(string json) =>
        TokenizerFile.Make(TokenizerFormat.HuggingFace, Encoding.UTF8.GetBytes(json), "tokenizer.json");

    private static IEnumerable<(string Text, int[] Ids)> Vectors(JsonElement vectors) => vectors.EnumerateArray().Select(vector =>
        (vector.GetProperty("text").GetString()!, vector.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray()));

    private static JsonElement[] Cases() =>
        [.. JsonDocument.Parse(File.ReadAllText(Golden("huggingface.json"))).RootElement.EnumerateArray()];

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "golden", name);
}
