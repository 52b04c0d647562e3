using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Mayfly.Tests;

/// <summary>A sample prints what a page shows in its blocks of text.</summary>
internal static partial class ShownOutput
{
    /// <summary>Runs a sample and compares; blocks that are commands are not output.</summary>
    public static void IsWhatItPrints(string page, string sample)
    {
        string[] printed = Run(sample);
        string[] shown = [.. TextBlock().Matches(File.ReadAllText(Path.Combine(DocsTests.Root, page))).Select(m => m.Groups[1].Value)
            .Where(b => !b.StartsWith("dotnet", StringComparison.Ordinal)).SelectMany(b => b.TrimEnd().Split('\n'))
            .Where(line => line != "")];
        Assert.True(shown.Length > 8);
        Assert.Equal(shown.Length, printed.Length);
        for (int i = 0; i < shown.Length; i++) AreAlike(shown[i], printed[i]);
    }

    /// <summary>A sample stays short enough to read in one sitting, and its page says how long it is.</summary>
    public static void SaysHowLong(string page, string sample, int mostLines)
    {
        int lines = File.ReadLines(Path.Combine(DocsTests.Root, $"samples/{sample}/Program.cs")).Count();
        Assert.InRange(lines, 1, mostLines);
        Assert.Contains($"{lines} lines", File.ReadAllText(Path.Combine(DocsTests.Root, page)));
    }

    /// <summary>The same words and whole numbers; fractions may differ between machines in their last digits.</summary>
    private static void AreAlike(string shown, string printed)
    {
        Assert.Equal(Words(shown), Words(printed));
        foreach (var (a, b) in Fraction().Matches(shown).Zip(Fraction().Matches(printed)))
            Assert.Equal(double.Parse(a.Value, CultureInfo.InvariantCulture), double.Parse(b.Value, CultureInfo.InvariantCulture), 0.01);
    }

    private static string Words(string line) => Spaces().Replace(Fraction().Replace(line, "#"), " ");

    private static string[] Run(string sample)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { "exec", Path.Combine(AppContext.BaseDirectory, $"{sample}.dll") },
            RedirectStandardOutput = true,
        };
        using var child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Assert.Equal(0, child.ExitCode);
        return [.. output.Split('\n').Select(l => l.TrimEnd()).Where(l => l.Length > 0)];
    }

    [GeneratedRegex(@"^```text\r?\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex TextBlock();

    [GeneratedRegex(@"-?\d+\.\d+")]
    private static partial Regex Fraction();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();
}
