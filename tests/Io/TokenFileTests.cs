using System.Runtime.InteropServices;

namespace Mayfly.Tests;

public class TokenFileTests
{
    private const int Wide = 20240801; // the form of 32 bits

    [Theory]
    [InlineData(1)]
    [InlineData(7, 20240520, 1)]
    [InlineData(4096)]
    [InlineData(10_007, 20240520, 1)]
    [InlineData(1, 20240801, 7)]
    [InlineData(10_007, 20240801, 7)]
    public void All_forms_give_the_ids(int count, params int[] header)
    {
        using var folder = new TemporaryFolder();
        int[] ids = header is [Wide, _] ? Array.ConvertAll(Ids(count), id => 3 * id) : Ids(count);
        using var file = TokenFile.Open(Write(folder, ids, header is [var magic, var version] ? [magic, version, count] : []));
        Assert.Equal((count, ids.Max()), ((int)file.Count, file.LargestId()));
        foreach (int start in new[] { 0, count / 3, count - 1, count })
        {
            var read = new int[count - start];
            file.Copy(start, read);
            Assert.Equal(ids[start..], read);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => file.Copy(1, new int[count]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Copy(-1, new int[1]));
    }

    [Theory]
    [InlineData("version", 20240520, 2, 100)]
    [InlineData("version", 20240801, 1, 100)]
    [InlineData("count", 20240801, 7, 50)]
    [InlineData("count", 20240520, 1, 101)]
    [InlineData("count", 20240520, 1, 99)]
    [InlineData("count", 20240520, 1, -1)]
    public void A_bad_header_is_named(string field, params int[] header)
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, Ids(100), header);
        var error = Assert.Throws<BadFileException>(() => TokenFile.Open(path));
        Assert.Equal((path, field), (error.File, error.Field));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_that_is_cut_or_changed_while_it_is_read_is_named(bool isCut)
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, Ids(50_000), []);
        using var file = TokenFile.Open(path);
        file.Copy(49_000, new int[1000]);
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch); // a change within a clock's tick is not seen
        using (var writer = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            if (isCut) writer.SetLength(1000);
            else writer.WriteByte(1);
        }

        Assert.Equal((path, "ids"), Named(() => file.Copy(49_000, new int[1000])));
        Assert.Equal((path, "ids"), Named(() => file.Copy(0, new int[10])));
        Assert.Equal((path, "ids"), Named(() => file.LargestId()));

        static (string, string) Named(Action read)
        {
            var error = Assert.Throws<BadFileException>(read);
            return (error.File, error.Field);
        }
    }

    [Fact]
    public void An_id_beyond_any_vocabulary_is_named()
    {
        using var folder = new TemporaryFolder();
        using var file = TokenFile.Open(Write(folder, [1, -2], [Wide, 7, 2]));
        Assert.Contains("4294967294", Assert.Throws<BadFileException>(() => file.LargestId()).Message);
    }

    [Fact]
    public void Shards_are_one_sequence()
    {
        using var folder = new TemporaryFolder();
        int[] ids = Ids(1009);
        Write(folder, ids[..400], [], "b_1.bin");
        Write(folder, ids[400..401], [20240520, 1, 1], "b_2.bin");
        Write(folder, ids[401..], [Wide, 7, 608], "b_3.bin");
        using var shards = TokenShards.Open(TokenShards.Find(folder.File("b_1.bin")[..^"b_1.bin".Length]));
        Assert.Equal((3, 1009L, ids.Max()), (shards.FileCount, shards.Count, shards.LargestId()));
        for (int start = 0; start <= 1009; start++)
        {
            var read = new int[Math.Min(5, 1009 - start)];
            shards.Copy(start, read);
            Assert.Equal(ids[start..(start + read.Length)], read);
        }

        var all = new int[1009];
        shards.Copy(0, all);
        Assert.Equal(ids, all);
        Assert.Throws<ArgumentOutOfRangeException>(() => shards.Copy(1009, new int[1]));
    }

    [Fact]
    public void A_path_stands_for_token_files_or_for_none()
    {
        using var folder = new TemporaryFolder();
        string first = folder.Write("a/b_10.bin", "xx"), second = folder.Write("a/b_9.bin", "xx"), other = folder.Write("a/c.bin", "xx");
        Assert.Equal([first, second, other], TokenShards.Find(folder.File("a")));
        Assert.Equal([first, second], TokenShards.Find(folder.File("a/b_*.bin")));
        Assert.Equal([other], TokenShards.Find(other));
        folder.Write("a/readme.txt", "text");
        Assert.Empty(TokenShards.Find(folder.File("a")));
        Assert.Empty(TokenShards.Find(folder.File("a/readme.txt")));
        Assert.Contains("No file fits", Assert.Throws<InputException>(() => TokenShards.Find(folder.File("a/d*.bin"))).Message);
    }

    [Fact]
    public void A_file_that_is_empty_or_odd_or_missing_is_said()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("is empty", Assert.Throws<InputException>(() => TokenFile.Open(folder.Write("a.bin", ""))).Message);
        Assert.Equal("length", Assert.Throws<BadFileException>(() => TokenFile.Open(folder.Write("b.bin", "abc"))).Field);
        Assert.Contains("does not exist", Assert.Throws<InputException>(() => TokenFile.Open(folder.File("c.bin"))).Message);
    }

    /// <summary>Read as 16 bits, every second id would be 0, and nothing would say so.</summary>
    [Fact]
    public void Ids_of_another_size_without_a_header_are_named()
    {
        using var folder = new TemporaryFolder();
        int[] ids = [.. Enumerable.Range(0, 200).Select(i => i * 263)];
        Named("ids of 32 bits", [.. MemoryMarshal.AsBytes<int>(ids)]);
        Named("big-endian", [.. MemoryMarshal.AsBytes<int>(Array.ConvertAll(ids,
            System.Buffers.Binary.BinaryPrimitives.ReverseEndianness))]);
        Named("ids of 64 bits", [.. MemoryMarshal.AsBytes<long>(Array.ConvertAll(ids, id => (long)id))]);
        Named("a NumPy array", [0x93, .. "NUMPY"u8, 1, 0, 70, 0]);

        void Named(string what, byte[] bytes)
        {
            File.WriteAllBytes(folder.File("a.bin"), bytes);
            var error = Assert.Throws<BadFileException>(() => TokenFile.Open(folder.File("a.bin")));
            Assert.Equal("ids", error.Field);
            Assert.Contains(what, error.Message);
        }
    }

    [Fact]
    public void A_file_that_is_too_long_is_not_called_cut()
    {
        using var folder = new TemporaryFolder();
        Assert.DoesNotContain("cut short", Assert.Throws<BadFileException>(() =>
            TokenFile.Open(Write(folder, Ids(100), [20240520, 1, 99]))).Message);
        Assert.Contains("cut short", Assert.Throws<BadFileException>(() =>
            TokenFile.Open(Write(folder, Ids(100), [20240520, 1, 101]))).Message);
    }

    [Fact]
    public void Batches_and_windows_of_a_file_are_those_of_the_same_ids_in_memory()
    {
        using var folder = new TemporaryFolder();
        int[] ids = Ids(1009);
        using var file = TokenFile.Open(Write(folder, ids, [20240520, 1, 1009]));
        TokenStream mapped = new(file), inMemory = new(ids);
        for (long index = 0; index < 20; index++) Assert.Equal(Batch(inMemory, index), Batch(mapped, index));
        int[] a = new int[99], b = new int[99], c = new int[99], d = new int[99];
        inMemory.ValidationWindows(33).Fill(0, 3, a, b);
        mapped.ValidationWindows(33).Fill(0, 3, c, d);
        Assert.Equal([.. a, .. b], new int[][] { c, d }.SelectMany(part => part));

        static int[] Batch(TokenStream stream, long index)
        {
            int[] ids = new int[40], targets = new int[40];
            stream.TrainBatches(5, 8, 1).Fill(index, ids, targets);
            return [.. ids, .. targets];
        }
    }

    [Fact]
    public void Two_sequences_are_each_used_as_a_whole()
    {
        var stream = new TokenStream(new MemoryTokens(Ids(20)), new MemoryTokens(Ids(9)), "Both");
        Assert.Equal((20, 9, 29), (stream.Train.Count, stream.Validation.Count, stream.Count));
        Assert.Equal(1, stream.ValidationWindows(8).Count);
        Assert.Equal(
            "Both has 29 tokens, 9 of them to validate on; a context of 9 needs 10. Give at least 10 tokens, or a context of at most 8.",
            Assert.Throws<InputException>(() => stream.ValidationWindows(9)).Message);
    }

    [Fact]
    public void Documents_are_packed_with_a_separator_after_each() =>
        Assert.Equal([1, 2, 9, 3, 9], TokenPacker.Pack([[1, 2], [], [3]], separator: 9));

    [Fact]
    public void Numbers_stand_for_ids_without_text()
    {
        var tokenizer = (IdTokenizer)Tokenizer.FromJson(new IdTokenizer(50257).ToJson(), "t.json");
        Assert.Equal("464 50256 ", tokenizer.Decode([464, 50256]));
        Assert.Equal([464, 50256], tokenizer.Encode(" 464\n50256"));
        Assert.Contains("'50257' is no token id", Assert.Throws<InputException>(() => tokenizer.Encode("50257")).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([50257]));
        Assert.Equal("size", Assert.Throws<BadFileException>(() => Tokenizer.FromJson("""{"type":"ids","size":0}""", "t.json")).Field);
    }

    [Fact]
    public void Json_lines_give_the_texts()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.jsonl", "{\"text\":\"one\\ntwo\",\"n\":1}\n\n{\"text\":\"\u00e9\"}");
        Assert.Equal(["one\ntwo", "\u00e9"], JsonLines.ReadTexts(path));
    }

    [Theory]
    [InlineData("{\"text\":\"a\"}\n{\"txt\":\"b\"}")]
    [InlineData("\n{\"text\":1}")]
    [InlineData("{\"text\":\"a\"}\n[]")]
    [InlineData("{\"text\":\"a\"}\nnonsense")]
    [InlineData("{\"text\":\"a\"}\n{\"text\":\"\\ud800\"}")]
    public void A_bad_json_line_is_named(string lines)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.jsonl", lines);
        var error = Assert.Throws<BadFileException>(() => JsonLines.ReadTexts(path).ToList());
        Assert.Equal((path, "line 2"), (error.File, error.Field));
    }

    /// <summary>Ids over the whole range of 16 bits.</summary>
    private static int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(i => i * 40503 % 65536)];

    private static string Write(TemporaryFolder folder, int[] ids, int[] header, string name = "tokens.bin")
    {
        bool isWide = header is [Wide, ..];
        Array.Resize(ref header, header.Length > 0 ? 256 : 0);
        string path = folder.File(name);
        byte[] bytes = isWide ? [.. MemoryMarshal.AsBytes<int>(ids)]
            : [.. MemoryMarshal.AsBytes<ushort>(Array.ConvertAll(ids, id => (ushort)id))];
        File.WriteAllBytes(path, [.. MemoryMarshal.AsBytes<int>(header), .. bytes]);
        return path;
    }
}
