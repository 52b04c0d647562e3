using System.Text.RegularExpressions;

namespace Mayfly.Tests;

/// <summary>The pages of docs/ quote code that is compiled and run, and their links lead somewhere.</summary>
public partial class DocsTests
{
    /// <summary>The repository's root.</summary>
    internal static string Root { get; } = FindRoot();

    [Theory, MemberData(nameof(Pages))]
    public void Every_block_of_code_stands_in_a_sample_or_a_test(string page)
    {
        var sources = Sources();
        foreach (Match block in Block().Matches(File.ReadAllText(Path.Combine(Root, page))))
            Assert.True(sources.Any(s => s.Contains(Trimmed(block.Groups[1].Value))),
                $"{page} quotes code that is in no sample and no test:\n{block.Groups[1].Value}");
    }

    [Theory, MemberData(nameof(Pages))]
    public void Every_link_leads_to_a_file(string page)
    {
        string path = Path.Combine(Root, page);
        foreach (Match link in Link().Matches(File.ReadAllText(path)))
        {
            string target = Path.Combine(Path.GetDirectoryName(path)!, link.Groups[1].Value);
            Assert.True(File.Exists(target) || Directory.Exists(target), $"{page} links to {link.Groups[1].Value}, which is not there");
        }
    }

    [Fact]
    public void The_index_names_every_page()
    {
        string index = File.ReadAllText(Path.Combine(Root, "docs/README.md"));
        foreach (string page in Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").Select(p => Path.GetFileName(p)!).Where(p =>
            p != "README.md"))
            Assert.Contains($"({page})", index);
    }

    [Fact]
    public void Quoted_messages_stand_in_the_source()
    {
        var quotes = Quote().Matches(File.ReadAllText(Path.Combine(Root, "docs/errors.md"))).Select(m => m.Groups[1].Value).ToArray();
        var source = Directory.GetFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText).ToArray();
        Assert.NotEmpty(quotes);
        Assert.All(quotes, q => Assert.True(source.Any(s => s.Contains(q)), $"no message in src says '{q}'"));
    }

    [Fact]
    public void The_checks_find_what_is_not_there()
    {
        Assert.DoesNotContain(Sources(), s => s.Contains(Trimmed("var missing = Tensor.Made" + "Up();")));
        Assert.Single(Block().Matches("text\n```csharp\nint a;\n```\n```text\nb\n```\n"));
        Assert.Equal("a.png", Link().Match("<source srcset=\"a.png\">").Groups[1].Value);
        Assert.Equal("memory.md", Link().Match("[memory](memory.md) [web](https://example.org)").Groups[1].Value);
    }

    public static TheoryData<string> Pages() =>
        ["README.md", "src/Mayfly/README.md", .. Directory.GetFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Select(p => Path.GetRelativePath(Root, p))];

    private static string[] Sources()
    {
        string[] folders = ["samples", "tests/Docs"];
        return [.. folders.SelectMany(f => Directory.GetFiles(Path.Combine(Root, f), "*.cs", SearchOption.AllDirectories)).Select(f =>
            Trimmed(File.ReadAllText(f)))];
    }

    /// <summary>Each line without the space around it, between line ends, so that only whole lines match.</summary>
    private static string Trimmed(string text) => $"\n{string.Join('\n', text.Trim().Split('\n').Select(l => l.Trim()))}\n";

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Engine.sln")) && Directory.Exists(Path.Combine(folder.FullName, "docs")))
                return folder.FullName;
        throw new DirectoryNotFoundException($"Engine.sln and docs/ are in no folder above {AppContext.BaseDirectory}; "
            + "run the tests where the repository built them.");
    }

    [GeneratedRegex(@"^```csharp\r?\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    /// <summary>The target of a link or a picture.</summary>
    [GeneratedRegex(@"(?:\]\(|src(?:set)?="")(?!https?:)([^)#""]+)")]
    private static partial Regex Link();

    /// <summary>The first cell of a table's row, where it is a quotation.</summary>
    [GeneratedRegex(@"^\| `([^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Quote();
}
