using System.Globalization;

namespace Mayfly.Tests;

/// <summary>Source lines are as short as .editorconfig says, which no compiler checks.</summary>
public class LineLengthTests
{
    private static readonly string[] folders = ["src", "samples", "tests", "benches"];

    [Fact]
    public void No_line_is_longer_than_the_editorconfig_allows()
    {
        int most = Most(File.ReadAllLines(Path.Combine(DocsTests.Root, ".editorconfig")));
        string[] faults = [.. folders.SelectMany(Files).SelectMany(path =>
            TooLong(Path.GetRelativePath(DocsTests.Root, path), File.ReadLines(path), most))];
        Assert.True(faults.Length == 0, $"{faults.Length} lines are longer than {most} columns:\n{string.Join('\n', faults)}");
    }

    [Fact]
    public void The_check_finds_a_line_that_is_too_long()
    {
        Assert.Equal(140, Most(["[*.cs]", "max_line_length = 140"]));
        Assert.Equal(["a.cs:2 has 5 columns"], TooLong("a.cs", ["1234", "12345"], 4));
    }

    private static int Most(string[] settings) =>
        int.Parse(settings.Single(s => s.StartsWith("max_line_length", StringComparison.Ordinal)).Split('=')[1],
            CultureInfo.InvariantCulture);

    private static string[] Files(string folder) =>
        Directory.GetFiles(Path.Combine(DocsTests.Root, folder), "*.cs", SearchOption.AllDirectories);

    private static IEnumerable<string> TooLong(string name, IEnumerable<string> lines, int most) =>
        lines.Index().Where(line => line.Item.Length > most).Select(line => $"{name}:{line.Index + 1} has {line.Item.Length} columns");
}
