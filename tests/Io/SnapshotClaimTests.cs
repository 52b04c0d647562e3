using TrainGpt;

namespace Mayfly.Tests;

/// <summary>What a snapshot says of itself is compared with what is in it, before memory is taken for it; and its version is
/// told.</summary>
public class SnapshotClaimTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Theory]
    [InlineData("\"Width\":16", "\"Width\":6144", "weights, the file holds")]
    [InlineData("\"Width\":16", "\"Width\":2147483646", "more weights than any machine can hold")]
    [InlineData("\"Layers\":1", "\"Layers\":100000", "--layers 100000 is out of range")]
    [InlineData("\"Layers\":1", "\"Layers\":1000", "weights, the file holds")]
    [InlineData("\"Context\":16", "\"Context\":65536", "weights, the file holds")]
    [InlineData("\"Context\":16", "\"Context\":2147483647", "--context 2147483647 is out of range")]
    [InlineData("\"VocabularySize\":", "\"VocabularySize\":16777", "weights, the file holds")]
    [InlineData("\"Heads\":2", "\"Heads\":0", "Heads is 0; it must be at least 1")]
    [InlineData("\"adamw\"", "\"adam\"", "'adam' is none of")]
    [InlineData("\"adamw\"", "\"\\ud800\"", "optimizer")]
    public void A_claim_is_refused_in_kilobytes(string was, string now, string message)
    {
        string path = Edited("configuration", text => text.Replace(was, now));
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<BadFileException>(() => Open(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 * new FileInfo(path).Length + (1 << 20));
        Assert.Contains(message, error.Message);
        Assert.Equal(path, error.File);
    }

    [Theory]
    [InlineData("format", "mayfly snapshot 4", "newer than this Mayfly")]
    [InlineData("settings_version", "2", "newer than this Mayfly")]
    public void A_newer_file_says_so_and_no_older_one_stands_in(string field, string value, string message)
    {
        string path = Edited(field, _ => value);
        File.Copy(Path.Combine(run.Trained, Snapshot.FileName), Path.Combine(Path.GetDirectoryName(path)!, Snapshot.PreviousFileName),
            true);
        Assert.Contains(message, Assert.ThrowsAny<InputException>(() => Open(path)).Message);
    }

    [Theory]
    [InlineData("format", "mayfly snapshot", "format")]
    [InlineData("format", "gguf", "format")]
    [InlineData("settings_version", "one", "settings_version")]
    [InlineData("step", "-1", "step")]
    public void What_is_no_version_is_named(string field, string value, string named) =>
        Assert.Equal(named, Assert.Throws<BadFileException>(() => Open(Edited(field, _ => value))).Field);

    /// <summary>The first format had no checksums, and the settings of one before numbers say none.</summary>
    [Fact]
    public void Files_of_earlier_versions_open()
    {
        string path = Edited("format", _ => "mayfly snapshot 1", field =>
            !field.StartsWith("crc32c", StringComparison.Ordinal) && field is not ("settings_version" or "mayfly"));
        Open(path);
        var error = Assert.Throws<BadFileException>(() => Open(Edited("configuration", _ => "{}", field => field != "settings_version")));
        Assert.Contains("wrote it, this is Mayfly", error.Message);
    }

    /// <summary>A file whose checksums were taken out is not one of the first format.</summary>
    [Fact]
    public void A_file_without_its_checksums_is_damaged() => Assert.Contains("checksum", Assert.Throws<BadFileException>(() =>
        Open(Edited("step", step => step, field => !field.StartsWith("crc32c", StringComparison.Ordinal)))).Message);

    private static void Open(string path)
    {
        using var folder = new RunFolder(Path.GetDirectoryName(path)!);
        folder.Open(new CommandContext(TextReader.Null, TextWriter.Null, TextWriter.Null, new Signals()),
            SnapshotChoice.Last).Snapshot.Dispose();
    }

    /// <summary>The trained snapshot with other metadata and right checksums, where they are kept.</summary>
    private string Edited(string field, Func<string, string> change, Func<string, bool>? keeps = null)
    {
        string folder = Directory.CreateDirectory(run.File(Guid.NewGuid().ToString("N"))).FullName, path = Path.Combine(folder,
            Snapshot.FileName);
        File.WriteAllBytes(path, FuzzFormats.Edited(File.ReadAllBytes(Path.Combine(run.Trained, Snapshot.FileName)), field, change, keeps));
        return path;
    }
}
