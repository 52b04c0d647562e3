using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.Tokenizers;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>What holds for every subword tokenizer.</summary>
public class SubwordTokenizerTests
{
    private static readonly Lazy<SubwordTokenizer> Gpt2 = new(() => (SubwordTokenizer)TokenizerChoice.Open("gpt2")!);
    private static readonly Lazy<SubwordTokenizer> Pieces = new(() => Made(Model(isBpe: true)));

    [Fact]
    public void Every_sequence_of_bytes_comes_back() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
        {
            foreach (var tokenizer in new[] { Gpt2.Value, Pieces.Value })
            {
                int[] ids = tokenizer.EncodeBytes(bytes);
                Assert.Equal(bytes, tokenizer.DecodeBytes(ids));
                Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void Every_text_comes_back()
    {
        var rune = Gen.Frequency((6, Gen.Choose(0x20, 0x7E)), (1, Gen.Choose(0, 0x1F)), (2, Gen.Choose(0x80, 0xD7FF)),
            (1, Gen.Choose(0xE000, 0xFFFF)), (1, Gen.Choose(0x10000, 0x10FFFF))).Select(value => new Rune(value).ToString());
        Prop.ForAll(rune.ArrayOf().Select(string.Concat).Where(text => !text.Contains(Metaspace.Mark)).ToArbitrary(), text =>
        {
            foreach (var tokenizer in new[] { Gpt2.Value, Pieces.Value }) Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    [Fact]
    public void Long_pieces_are_merged_like_short_ones()
    {
        var model = (BpeModel)Gpt2.Value.Definition.Model;
        foreach (string text in new[] { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "thethethethequickquickbrown", "abcabcabcabcabcabcaabbcc" })
        {
            string repeated = string.Concat(Enumerable.Repeat(text, 9)); // longer than what is scanned
            int[] parts = [.. Encoding.UTF8.GetBytes(repeated).Select(b => Gpt2.Value.EncodeBytes([b])[0])];
            Assert.Equal(NaiveMerge(parts, model.Pairs), Gpt2.Value.Encode(repeated));
        }

        Assert.Equal(10_000, Gpt2.Value.Decode(Gpt2.Value.Encode(new string('x', 10_000))).Length);
    }

    private static List<int> NaiveMerge(int[] parts, PairTable pairs)
    {
        List<int> ids = [.. parts];
        while (true)
        {
            var best = Enumerable.Range(0, ids.Count - 1).Select(i => (Found: pairs.Find(ids[i], ids[i + 1]), At: i)).Min();
            if (best.Found == PairTable.None) return ids;
            ids[best.At] = (int)(uint)best.Found;
            ids.RemoveAt(best.At + 1);
        }
    }

    [Fact]
    public void Plain_text_never_becomes_a_special_token()
    {
        const string Text = "a<|endoftext|>b";
        int[] plain = Gpt2.Value.Encode(Text), special = Gpt2.Value.EncodeWithSpecials(Text);
        Assert.DoesNotContain(50_256, plain);
        Assert.Equal(Text, Gpt2.Value.Decode(plain));
        Assert.Equal([64, 50_256, 65], special);
        Assert.Equal("ab", Gpt2.Value.Decode(special));
        Assert.Equal(plain, Gpt2.Value.EncodeWithSpecials(Text, []));
        Assert.Equal(special, Gpt2.Value.EncodeWithSpecials(Text, ["<|endoftext|>"]));
        Assert.Contains("'<s>'", Assert.Throws<ArgumentException>(() => Gpt2.Value.EncodeWithSpecials(Text, ["<s>"])).Message);
        Assert.DoesNotContain(1, Pieces.Value.Encode("<s> hello</s>"));
    }

    [Fact]
    public void Text_that_goes_on_keeps_its_space()
    {
        int[] ids = Pieces.Value.Encode("hello world");
        Assert.Equal("hello world", Pieces.Value.Decode(ids));
        Assert.Equal(" hello world", Pieces.Value.DecodeNext(ids));
    }

    [Fact]
    public void Ids_outside_the_vocabulary_are_errors()
    {
        foreach (int id in new[] { -1, 50_257, int.MaxValue })
            Assert.Throws<ArgumentOutOfRangeException>(() => Gpt2.Value.Decode([id]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenizerChoice.Open("cl100k")!.Decode([100_256])); // has no token
    }

    [Fact]
    public void Many_threads_get_the_same_ids()
    {
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => $"text {i} of {i * i} words and {new string('y', i)}")];
        int[][] expected = [.. texts.Select(text => Gpt2.Value.Encode(text))];
        Parallel.For(0, texts.Length * 4, i => Assert.Equal(expected[i % texts.Length], Gpt2.Value.Encode(texts[i % texts.Length])));
    }

    /// <summary>
    /// Microsoft.ML.Tokenizers reads SentencePiece's models by itself. Left out is where it gives others than SentencePiece: of equal
    /// merges that overlap it takes the right one, the unigram model's bytes get ids beyond the vocabulary, and unknown neighbours stay
    /// two.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_sentencepiece_model_gives_the_ids_of_another_reader(bool isBpe)
    {
        byte[] bytes = SentencePieceWriter.Write(Model(isBpe) with { HasByteFallback = isBpe });
        var ours = Made(bytes);
        var other = SentencePieceTokenizer.Create(new MemoryStream(bytes), addBeginningOfSentence: false, addEndOfSentence: false);
        string[] unknown = isBpe ? ["漢", "q", "🙂", "\n"] : ["q."];
        var text = Gen.Elements(["h", "hello", " ", "world", "é", "the", "lo", ".", .. unknown]).ArrayOf().Select(string.Concat);
        text = text.Where(s => s.Length > 0 && s[0] != ' ' && !s.Contains("  "));
        Prop.ForAll(text.ToArbitrary(), s => Assert.Equal(other.EncodeToIds(s), ours.Encode(s)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    /// <summary>A token may be put anywhere in a text that is not cut.</summary>
    [Theory]
    [InlineData("lo▁w", false)]
    [InlineData("▁▁lo", true)]
    public void Text_is_cut_before_spaces_only_where_no_token_crosses_them(string token, bool isCut)
    {
        var model = Model(isBpe: true);
        model.Pieces.Add((token, 1, TokenKind.Normal));
        var tokenizer = Made(model);
        Assert.Equal(isCut, MarkCut.For(tokenizer.Definition) is not null);
        var text = Gen.Elements("h", "hello", " ", "  ", "world", "w", "lo", "漢").ArrayOf().Select(string.Concat).Where(s => s.Length > 0);
        Prop.ForAll(text.ToArbitrary(), s =>
        {
            var whole = new List<int>();
            tokenizer.Definition.Model.Encode(Encoding.UTF8.GetBytes((" " + s).Replace(" ", Metaspace.Mark)), whole);
            Assert.Equal(whole, tokenizer.Encode(s));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(100));
    }

    private static SubwordTokenizer Made(SentencePieceModel model) => Made(SentencePieceWriter.Write(model));

    private static SubwordTokenizer Made(byte[] bytes) => TokenizerFile.Make(TokenizerFormat.SentencePiece, bytes, "m.model");

    /// <summary>A few pieces, all bytes, and scores without equals.</summary>
    private static SentencePieceModel Model(bool isBpe)
    {
        var pieces = new List<(string, float, TokenKind)>
        {
            ("<unk>", 0, TokenKind.Unknown), ("<s>", 0, TokenKind.Control), ("</s>", 0, TokenKind.Control),
        };
        pieces.AddRange(Enumerable.Range(0, 256).Select(b => ($"<0x{b:X2}>", 0f, TokenKind.Byte)));
        string[] words = ["▁", "h", "e", "l", "o", "w", "r", "d", "t", "é", ".", "he", "ll", "hell", "hello", "▁hello", "▁w", "or", "▁wor",
            "ld", "▁world", "th", "the", "▁the", "▁h", "▁he", "▁▁", "lo"];
        pieces.AddRange(words.Select((word, i) => (word, isBpe ? -i : -(float)Math.Log(i + 2) * (4 - word.Length / 2f), TokenKind.Normal)));
        return new SentencePieceModel { Pieces = pieces, IsBpe = isBpe, HasByteFallback = true, Begin = 1, End = 2 };
    }
}
