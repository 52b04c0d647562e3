using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Mayfly.Tests;

/// <summary>The smallest sample prints what the tutorial shows, and stays short enough to read in one sitting.</summary>
public partial class MicroTests
{
    private const int MostLines = 150;

    [Fact]
    public void Micro_prints_what_the_tutorial_shows()
    {
        string[] printed = Run();
        var shown = TextBlock().Matches(File.ReadAllText(Path.Combine(DocsTests.Root, "docs/tutorial.md"))).Select(m => m.Groups[1].Value)
            .Where(b => !b.StartsWith("dotnet", StringComparison.Ordinal)).SelectMany(b => b.TrimEnd().Split('\n')).ToArray();
        Assert.True(shown.Length > 20);
        Assert.Equal(shown.Length, printed.Length);
        for (int i = 0; i < shown.Length; i++) AreAlike(shown[i], printed[i]);
    }

    [Fact]
    public void Micro_is_short()
    {
        int lines = File.ReadLines(Path.Combine(DocsTests.Root, "samples/Micro/Program.cs")).Count();
        Assert.InRange(lines, 1, MostLines);
        Assert.Contains($"{lines} lines", File.ReadAllText(Path.Combine(DocsTests.Root, "docs/tutorial.md")));
    }

    /// <summary>The same words and whole numbers; fractions may differ between machines in their last digits.</summary>
    private static void AreAlike(string shown, string printed)
    {
        Assert.Equal(Words(shown), Words(printed));
        foreach (var (a, b) in Fraction().Matches(shown).Zip(Fraction().Matches(printed)))
            Assert.Equal(double.Parse(a.Value, CultureInfo.InvariantCulture), double.Parse(b.Value, CultureInfo.InvariantCulture), 0.01);
    }

    private static string Words(string line) => Spaces().Replace(Fraction().Replace(line, "#"), " ");

    private static string[] Run()
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { "exec", Path.Combine(AppContext.BaseDirectory, "Micro.dll") },
            RedirectStandardOutput = true,
        };
        using var child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Assert.Equal(0, child.ExitCode);
        return output.Split('\n').Select(l => l.TrimEnd()).Where(l => l.Length > 0).ToArray();
    }

    [GeneratedRegex(@"^```text\r?\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex TextBlock();

    [GeneratedRegex(@"-?\d+\.\d+")]
    private static partial Regex Fraction();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();
}
