using System.Globalization;
using System.Text;

namespace Mayfly.Tests;

/// <summary>
/// Token files that are prepared: what is in them, for any threads and any cut, and what becomes of them when something fails.
/// </summary>
public class PreparedTokensTests
{
    private const string Hash = "00112233445566778899aabbccddeeff";
    private static readonly ByteTokenizer Bytes = new();

    /// <summary>More than a part, with accents, spaces, blank lines and punctuation before line ends.</summary>
    private static readonly string Long = string.Concat(Enumerable.Range(0, 60_000).Select(i => (i % 7) switch
    {
        0 => $"the cat no. {i}\n",
        1 => "  sat, caf\u00e9;\n\n",
        2 => "na\u00efve \u6f22\u5b57\u3002\n",
        3 => "(on) the mat.\r\n",
        _ => $"and {i * 31} ran away ",
    }));

    [Theory]
    [InlineData(3, 0)]
    [InlineData(1, 7)]
    [InlineData(2, 1000)]
    public void Files_hold_the_ids_whatever_the_threads_and_the_cut(int threads, int shards)
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Trained();
        int most = shards == 0 ? TokenFileWriter.StandardShard : 1 + tokenizer.Encode(Long).Length / shards;
        var (files, count) = new TokenEncoder(tokenizer, threads).Write(Parts(Long), folder.File("a.bin"), Hash, most);
        Assert.InRange(files.Count, Math.Max(1, shards - 1), Math.Max(1, shards));
        using var tokens = TokenShards.Open(TokenShards.Find(folder.File("a.bin")));
        Assert.Equal(tokenizer.Encode(Long), All(tokens));
        Assert.Equal((count, Hash, tokenizer.Hash, files.Count), (tokens.Count, tokens.Info!.SourceHash, tokens.Info.TokenizerHash,
            tokens.FileCount));
        Assert.Null(tokens.Separator);
        Assert.Empty(Directory.GetFiles(folder.Path, "*.partial"));
    }

    [Fact]
    public void Text_in_parts_is_text_whole_for_sentencepiece_too()
    {
        var made = GoldenTokenizers().ToList();
        Assert.NotEmpty(made);
        byte[] text = Encoding.UTF8.GetBytes("Hello world of cats and dogs");
        foreach (var tokenizer in made)
            for (int cut = 1; cut < text.Length; cut++)
                if (text[cut] == ' ')
                {
                    int[] parts = [.. tokenizer.EncodeBytes(text.AsSpan(0, cut)), .. tokenizer.EncodeNextBytes(text.AsSpan(cut))];
                    Assert.Equal(tokenizer.EncodeBytes(text), parts);
                }
    }

    [Fact]
    public void Documents_end_with_a_separator_and_some_ids_are_not_to_be_learned()
    {
        using var folder = new TemporaryFolder();
        DocumentPart[] parts = [.. ChatTemplate.Complete("2+2=", "4"), .. ChatTemplate.Complete("", "ok")];
        var memory = new TokenEncoder(Bytes).ToMemory(parts);
        new TokenEncoder(Bytes).Write(parts, folder.File("a.bin"), Hash);
        using var file = TokenFile.Open(folder.File("a.bin"));
        foreach (var tokens in (ITokens[])[memory, file])
        {
            Assert.Equal("2+2=4\u0003ok\u0003", Bytes.Decode(All(tokens)));
            int[] targets = new int[tokens.Count];
            tokens.CopyTargets(0, targets);
            Assert.Equal([-1, -1, -1, -1, '4', 3, 'o', 'k', 3], targets);
            Assert.Equal((true, 3), (tokens.HasIgnored, tokens.Separator));
        }

        Assert.Equal('o', file.LargestId());
    }

    /// <summary>The files there are the old ones or the new ones; a mixture is told, never read.</summary>
    [Theory]
    [InlineData(Fault.Refused)]
    [InlineData(Fault.Dies)]
    [InlineData(Fault.Full)]
    public void Whatever_fails_leaves_old_files_or_new_ones(Fault fault)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("a.bin"), other = Hash.Replace('0', 'f');
        Write("old text, long enough for three", Hash);
        var counting = new FaultyDisk(fault, long.MaxValue, PlaceUnit.Request);
        using (Disk.Use(counting)) Write("new text, and it is long as well", other);
        Assert.Empty(counting.Disorder);
        for (long place = 0; place <= counting.Places; place++)
        {
            Write("old text, long enough for three", Hash);
            bool failed = false;
            using (Disk.Use(new FaultyDisk(fault, place, PlaceUnit.Request)))
                failed = Record.Exception(() => Write("new text, and it is long as well", other)) is InputException;
            string? read = Read();
            Assert.True(read is null ? failed : failed || read.StartsWith("new", StringComparison.Ordinal), $"{fault} at {place}: {read}");
        }

        void Write(string text, string hash) => new TokenEncoder(Bytes, 1).Write(Parts(text), path, hash, shardIds: 12);

        string? Read()
        {
            try
            {
                using var tokens = TokenShards.Open(TokenShards.Find(path));
                string text = Bytes.Decode(All(tokens));
                Assert.True(text is "old text, long enough for three" or "new text, and it is long as well", text);
                return text;
            }
            catch (InputException)
            {
                return null; // a file of the set is missing, and the message says so
            }
        }
    }

    [Fact]
    public void Text_is_checked_in_every_part_and_the_message_has_the_byte()
    {
        byte[] text = Encoding.UTF8.GetBytes(Long);
        text[^100] = 0xFF;
        var error = Assert.Throws<BadFileException>(() => TextParts.Read("a.txt", new MemoryStream(text)).Count());
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"byte {text.Length - 100:N0} is 0xFF"), error.Message);
        text[^100] = 0;
        error = Assert.Throws<BadFileException>(() => TextParts.Read("a.txt", new MemoryStream(text)).Count());
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"byte {text.Length - 100:N0} is NUL"), error.Message);
    }

    [Fact]
    public void Windows_of_documents_begin_with_one_and_learn_nothing_across()
    {
        int[] ids = [.. Enumerable.Range(0, 200).Select(i => i % 10 == 9 ? 0 : i % 10 + 1)];
        var tokens = new MarkedTokens(ids, separator: 0);
        var batches = new Batches(tokens, 8, 16, 1) { Separator = 0 };
        int[] row = new int[8 * 16], targets = new int[row.Length];
        for (int batch = 0; batch < 20; batch++)
        {
            batches.Fill(batch, row, targets);
            for (int i = 0; i < row.Length; i++)
            {
                if (i % 16 == 0 && row[i] != 1) Assert.True(Array.LastIndexOf(ids, 0, ids.Length - 17) > 0); // no document begins behind it
                Assert.Equal(row[i] == 0 ? -1 : (row[i] + 1) % 10, targets[i]);
            }

            Assert.Equal(targets.Count(id => id >= 0), batches.Counted(batch));
        }

        Assert.Equal([0, 0, 2, 2, 0, 0, 0, 3], Documents.Starts([5, 0, 6, 7, 5, 6, 0, 7], 4, 0));
    }

    [Fact]
    public void A_damaged_header_is_told_by_its_field()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("a.bin");
        new TokenEncoder(Bytes).Write(Parts("some text"), path, Hash);
        byte[] whole = File.ReadAllBytes(path);
        foreach (var (place, value, field) in ((int, byte, string)[])[(8, 1, "count"), (4, 9, "version"), (72, 0, "vocabulary"),
            (79, 0x7F, "separator"), (80, 7, "shard"), (88, 1, "count")])
        {
            byte[] bytes = [.. whole];
            if (field == "vocabulary") bytes.AsSpan(72, 4).Clear();
            bytes[place] = value;
            File.WriteAllBytes(path, bytes);
            Assert.Equal(field, Assert.Throws<BadFileException>(() => TokenFile.Open(path)).Field);
        }
    }

    private static SubwordTokenizer Trained()
    {
        var trainer = new BpeTrainer(400, 1);
        trainer.Add(new MemoryStream(Encoding.UTF8.GetBytes(Long[..200_000])));
        return trainer.Train();
    }

    private static IEnumerable<Tokenizer> GoldenTokenizers()
    {
        string json = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", "huggingface.json"));
        using var golden = System.Text.Json.JsonDocument.Parse(json);
        foreach (var made in golden.RootElement.EnumerateArray())
            yield return TokenizerFile.Make(
                TokenizerFormat.HuggingFace, Encoding.UTF8.GetBytes(made.GetProperty("tokenizer").GetRawText()), "tokenizer.json");
    }

    private static IEnumerable<DocumentPart> Parts(string text) => TextParts.Read("a.txt", new MemoryStream(Encoding.UTF8.GetBytes(text)));

    private static int[] All(ITokens tokens)
    {
        int[] ids = new int[tokens.Count];
        tokens.Copy(0, ids);
        return ids;
    }
}
