using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

public class TokenizerTests
{
    [Fact]
    public void Characters_are_numbered_in_ordinal_order()
    {
        var tokenizer = new CharTokenizer("hello\n🙂 é");
        Assert.Equal("\n ehloé🙂", tokenizer.Decode([0, 1, 2, 3, 4, 5, 6, 7]));
        Assert.Equal(8, tokenizer.VocabularySize);
        Assert.Equal([3, 2, 4, 4, 5, 7], tokenizer.Encode("hello🙂"));
    }

    [Fact]
    public void An_unknown_character_is_named_with_its_position()
    {
        var error = Assert.Throws<InputException>(() => new CharTokenizer("ab🙂").Encode("a🙂bé"));
        Assert.Contains("'é' (U+00E9) at position 4", error.Message);
        Assert.DoesNotContain(Assert.Throws<InputException>(() => new CharTokenizer("ab").Encode("a\n")).Message, char.IsControl);
    }

    [Fact]
    public void Every_text_round_trips_through_both_kinds_and_their_json()
    {
        var text = Gen.Elements("a", "Z", "\n", "\"", "\\", "é", "漢", "🙂", "\u0001").ArrayOf().Where(parts => parts.Length > 0)
            .Select(string.Concat);
        Prop.ForAll(text.ToArbitrary(), s =>
        {
            foreach (Tokenizer tokenizer in new Tokenizer[] { new CharTokenizer(s), new ByteTokenizer() })
            {
                var loaded = Tokenizer.FromJson(tokenizer.ToJson(), "t.json");
                Assert.Equal(tokenizer.Encode(s), loaded.Encode(s));
                Assert.Equal(s, loaded.Decode(tokenizer.Encode(s)));
                Assert.Equal(tokenizer.VocabularySize, loaded.VocabularySize);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(40));
    }

    [Fact]
    public void A_file_gives_the_tokenizer_back()
    {
        using var folder = new TemporaryFolder();
        new CharTokenizer("héllo").Save(folder.File("t.json"));
        Assert.Equal("hé", Tokenizer.Load(folder.File("t.json")).Decode([0, 3]));
        Assert.Throws<InputException>(() => Tokenizer.Load(folder.File("missing.json")));
        Assert.Throws<InputException>(() => new ByteTokenizer().Save(folder.File("t.json/below a file")));
    }

    [Theory]
    [InlineData("", "tokenizer")]
    [InlineData("[]", "type")]
    [InlineData("""{"type":"nobody"}""", "type")]
    [InlineData("""{"type":"char"}""", "vocabulary")]
    [InlineData("""{"type":"char","vocabulary":""}""", "vocabulary")]
    [InlineData("""{"type":"char","vocabulary":"aba"}""", "vocabulary")]
    [InlineData("""{"type":"char","vocabulary":"\ud800"}""", "tokenizer")]
    public void Bad_json_is_named(string json, string field)
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<BadFileException>(() => Tokenizer.Load(folder.Write("t.json", json)));
        Assert.Equal((folder.File("t.json"), field), (error.File, error.Field));
    }

    /// <summary>Every text is one letter often.</summary>
    private sealed class Letter(char letter) : Tokenizer
    {
        public override string Kind => "letter";

        public override int VocabularySize => 1;

        public override int[] Encode(string text) => new int[text.Length];

        public override string Decode(ReadOnlySpan<int> ids) => new(letter, ids.Length);

        public static Letter Read(TokenizerFields fields) => Of(fields, fields.Size("place"));

        private static Letter Of(TokenizerFields fields, int place) => new(fields.Root.GetProperty("letter").GetString()![place - 1]);

        protected override void WriteFields(Utf8JsonWriter json)
        {
            json.WriteString("letter", $"-{letter}");
            json.WriteNumber("place", 2);
        }
    }

    [Fact]
    public void A_kind_of_ones_own_is_read_once_it_is_registered()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("t.json");
        new Letter('x').Save(file);
        var unknown = Assert.Throws<BadFileException>(() => Tokenizer.Load(file));
        Assert.Equal((file, "type"), (unknown.File, unknown.Field));
        Assert.Contains("'letter' is unknown; known are byte, char, ids", unknown.Message);
        Assert.Contains("Tokenizer.Register(\"letter\", ...)", unknown.Message);
        Tokenizer.Register("letter", Letter.Read);
        Tokenizer.Register("letter", Letter.Read);
        Assert.Equal("xxx", Tokenizer.Load(file).Decode([0, 0, 0]));
        Assert.Contains("'char' of tokenizers is known already",
            Assert.Throws<ArgumentException>(() => Tokenizer.Register("char", Letter.Read)).Message);
        foreach (var (json, field) in new[] { ("""{"type":"letter"}""", "place"), ("""{"type":"letter","place":1}""", "tokenizer") })
            Assert.Equal(field, Assert.Throws<BadFileException>(() => Tokenizer.FromJson(json, file)).Field);
    }

    [Fact]
    public void Ids_outside_the_vocabulary_are_errors()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CharTokenizer("ab").Decode([0, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ByteTokenizer().Decode([256]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ByteTokenizer().Decode([-1]));
    }

    [Fact]
    public void Shakespeare_has_the_published_vocabulary()
    {
        string text = TextSource.Read(SharedFile.Get("data/tinyshakespeare.txt"));
        var tokenizer = new CharTokenizer(text);
        Assert.Equal((1_115_394, 65), (text.Length, tokenizer.VocabularySize));
        Assert.Equal([18, 47, 56, 57, 58], tokenizer.Encode("First")); // as nanoGPT's prepare.py numbers them
        Assert.Equal(1_003_854, new TokenStream(tokenizer.Encode(text)).Train.Count);
    }
}
