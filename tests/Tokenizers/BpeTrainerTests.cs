using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

/// <summary>The trainer against one that counts everything anew for each merge.</summary>
public class BpeTrainerTests
{
    [Fact]
    public void Merges_are_those_of_a_naive_trainer()
    {
        var text = Gen.Elements("a", "b", "aa", "ab", " ", " a", "\n", "é", "漢", "1", "!", "the ", "this ").ArrayOf().Select(string.Concat)
            .Where(s => s.Length > 0);
        Prop.ForAll(text.ToArbitrary(), s => Check(s, 290)).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    [Fact]
    public void Merges_of_real_text_are_those_of_a_naive_trainer() =>
        Check(File.ReadAllText(SharedFile.Get("data/tinyshakespeare.txt"))[..20_000], 400);

    [Fact]
    public void Threads_and_chunks_change_nothing()
    {
        string text = File.ReadAllText(SharedFile.Get("data/tinyshakespeare.txt"));
        byte[] bytes = Encoding.UTF8.GetBytes(text + text + text);
        string[] trained = [.. new[] { 1, 4 }.Select(threads => Train(bytes, 600, threads).ToJson())];
        Assert.Equal(trained[0], trained[1]);
        var counter = new WordCounter();
        foreach (byte[] chunk in TextChunks.Read(new MemoryStream(bytes), 10_000)) counter.Add(chunk);
        var whole = new WordCounter();
        whole.Add(bytes);
        Assert.Equal(whole.Counts.OrderBy(c => ByteAlphabet.Write(c.Key), StringComparer.Ordinal).Select(c => c.Value),
            counter.Counts.OrderBy(c => ByteAlphabet.Write(c.Key), StringComparer.Ordinal).Select(c => c.Value));
    }

    [Fact]
    public void Chunks_are_the_text_whatever_it_is()
    {
        var random = new Random(1);
        foreach (int length in new[] { 0, 1, 2, 99, 100, 101, 1000 })
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            foreach (int size in new[] { 4, 100 })
                Assert.Equal(bytes, TextChunks.Read(new MemoryStream(bytes), size).SelectMany(chunk => chunk));
        }
    }

    [Fact]
    public void What_is_written_opens_again_with_the_same_ids()
    {
        using var folder = new TemporaryFolder();
        var trained = Train(Encoding.UTF8.GetBytes("the cat sat on the mat, the rat sat on the cat"), 270, 1);
        trained.SaveHuggingFace(folder.File("t.json"));
        var opened = TokenizerFile.Open(folder.File("t.json"));
        Assert.Equal(trained.Encode("the cat and the 漢 rat"), opened.Encode("the cat and the 漢 rat"));
        Assert.Equal((trained.VocabularySize, trained.VocabularySize - 1), (opened.VocabularySize, opened.EndOfText));
        Assert.Equal(trained.EndOfText, Tokenizer.FromJson(trained.ToJson(), "t").EndOfText);
    }

    [Fact]
    public void What_cannot_be_learned_from_is_named()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<InputException>(() => new BpeTrainer(300).Train());
        Assert.Throws<ArgumentOutOfRangeException>(() => new BpeTrainer(256));
        Assert.Throws<InputException>(() => new BpeTrainer(300).Add(folder.File("missing")));
        File.WriteAllBytes(folder.File("latin"), [(byte)'a', 0xFC, (byte)'b']);
        Assert.Contains("latin' is not UTF-8", Assert.Throws<InputException>(() => new BpeTrainer(300).Add(folder.File("latin"))).Message);
        folder.Write("text", "hello hello");
        Assert.Equal((1, 1), new BpeTrainer(300).Add(folder.Path));
    }

    private static SubwordTokenizer Train(byte[] text, int size, int threads)
    {
        var trainer = new BpeTrainer(size, threads);
        trainer.Add(new MemoryStream(text));
        return trainer.Train();
    }

    private static void Check(string text, int size)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var model = (BpeModel)Train(bytes, size, 2).Definition.Model;
        var merges = model.Pairs.All.OrderBy(pair => pair.Rank).Select(pair => (pair.Left, pair.Right)).ToArray();
        Assert.Equal(NaiveMerges(bytes, size - 1), merges);
    }

    /// <summary>The definition: all pieces as lists of ids, the best pair of all counted anew each time.</summary>
    private static List<(int, int)> NaiveMerges(byte[] text, int size)
    {
        var ids = new Dictionary<string, int>();
        foreach (string c in Enumerable.Range(0, 256).Select(b => ByteAlphabet.Write([(byte)b])).OrderBy(c => c[0])) ids.Add(c, ids.Count);
        var cut = new RegexCut(PreTokenizers.Gpt2Pattern, CutBehavior.Isolated).Apply(Cut.Whole(text, true));
        string[][] words = [.. cut.Pieces.Select(piece => ByteAlphabet.Write(cut.Piece(piece)).Select(c => c.ToString()).ToArray())];
        var merges = new List<(int, int)>();
        while (ids.Count < size)
        {
            var best = words.SelectMany(word => word.Zip(word.Skip(1))).CountBy(pair => pair).Where(pair => pair.Value > 1)
                .OrderByDescending(pair => pair.Value).ThenBy(pair => ids[pair.Key.First]).ThenBy(pair => ids[pair.Key.Second])
                .FirstOrDefault();
            if (best.Value == 0) break;
            var (left, right) = best.Key;
            merges.Add((ids[left], ids[right]));
            ids.TryAdd(left + right, ids.Count);
            words = [.. words.Select(word => Merge(word, left, right))];
        }

        return merges;
    }

    private static string[] Merge(string[] word, string left, string right)
    {
        var merged = new List<string>();
        for (int i = 0; i < word.Length; i++)
            if (i + 1 < word.Length && word[i] == left && word[i + 1] == right) merged.Add(left + word[++i]);
            else merged.Add(word[i]);
        return [.. merged];
    }
}
