using System.Text;

namespace Mayfly.Tests;

/// <summary>What is in a file and is no UTF-8 text is named, with the remedy.</summary>
public class TextFileTests
{
    private const string Text = "one of many plain words, and a caf\u00e9\n";

    [Theory]
    [InlineData("utf-16", true, "it is UTF-16 text, not UTF-8; convert it first, as by iconv -f UTF-16 -t UTF-8.")]
    [InlineData("utf-16BE", true, "it is UTF-16 text, not UTF-8; convert it first, as by iconv -f UTF-16 -t UTF-8.")]
    [InlineData("utf-32", true, "it is UTF-32 text, not UTF-8; convert it first, as by iconv -f UTF-32 -t UTF-8.")]
    [InlineData("utf-16", false, "it looks like UTF-16 text, not UTF-8; convert it first, as by iconv -f UTF-16LE -t UTF-8.")]
    [InlineData("utf-16BE", false, "it looks like UTF-16 text, not UTF-8; convert it first, as by iconv -f UTF-16BE -t UTF-8.")]
    [InlineData("iso-8859-1", false,
        "byte 34 is 0xE9, as in Latin-1 or Windows-1252; convert it first, as by iconv -f WINDOWS-1252 -t UTF-8.")]
    public void Other_encodings(string name, bool hasMark, string message)
    {
        var encoding = Encoding.GetEncoding(name);
        Refused([.. hasMark ? encoding.GetPreamble() : [], .. encoding.GetBytes(Text)], "text", message);
    }

    [Theory]
    [InlineData(new byte[] { 0x1F, 0x8B, 8, 0 }, "it is a gzip archive, not UTF-8; unpack it first.")]
    [InlineData(new byte[] { 65, 66, 0, 67 }, "byte 2 is NUL")]
    [InlineData(new byte[] { 65, 66, 67, 0xC3, 1, 2 }, "it is not UTF-8: byte 3 is 0xC3; convert it first")]
    public void Other_contents(byte[] bytes, string message) => Refused(bytes, "text", message);

    [Fact]
    public void A_file_longer_than_its_bound_is_not_read()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("long");
        using (var stream = File.Create(file)) stream.SetLength(1L << 33);
        var bounded = Assert.Throws<BadFileException>(() => TextFile.Read(file, 10));
        Assert.Equal("length", bounded.Field);
        Assert.Contains("8,589,934,592 bytes; at most 10 are read", bounded.Message);
        Assert.Contains("has 8.6 gigabytes; one text has at most 2 gigabytes",
            Assert.Throws<InputException>(() => TextFile.Read(file)).Message);
    }

    [Fact]
    public void A_line_of_JSON_longer_than_its_bound_is_named()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("a.jsonl", "{\"text\":\"a\"}\n");
        using (var stream = File.OpenWrite(file)) stream.SetLength(JsonLines.LongestLine + 100L);
        var error = Assert.Throws<BadFileException>(() => JsonLines.ReadTexts(file).Count());
        Assert.Equal("line 2", error.Field);
        Assert.Contains("more than 67,108,864 bytes", error.Message);
    }

    private static void Refused(byte[] bytes, string field, string message)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("file");
        File.WriteAllBytes(file, bytes);
        var error = Assert.Throws<BadFileException>(() => TextFile.Read(file));
        Assert.Equal((file, field), (error.File, error.Field));
        Assert.Contains(message, error.Message);
        File.WriteAllBytes(file, [.. bytes, .. "\n{}\n"u8]);
        Assert.Equal("line 1", Assert.Throws<BadFileException>(() => JsonLines.ReadTexts(file).Count()).Field);
    }
}
