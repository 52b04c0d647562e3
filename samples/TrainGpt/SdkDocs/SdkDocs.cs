using System.Runtime.InteropServices;
using System.Text;

namespace TrainGpt;

/// <summary>
/// Text that every machine with the .NET SDK has: the documentation of .NET's own API, the XML files of the pack Microsoft.NETCore.App.Ref,
/// as plain text in printable ASCII. The same pack always gives the same text.
/// </summary>
internal static class SdkDocs
{
    /// <summary>What comes first where a limit cuts the rest off; all other files follow in ordinal order.</summary>
    private static readonly string[] First =
        ["System.Collections", "System.Linq", "System.Threading", "System.Text.RegularExpressions", "System.Console", "System.Runtime",
            "System.Memory"];

    /// <summary>
    /// The folder of the newest pack's XML files, or null. It is looked for under the root of the running runtime, then DOTNET_ROOT, then
    /// the place of <c>dotnet</c> on the PATH.
    /// </summary>
    public static string? FindFolder() => Roots().Select(NewestPack).FirstOrDefault(folder => folder is not null);

    /// <summary>
    /// The newest pack's text; where this machine has none, the *.md and *.cs files of <paramref name="fallbackFolder"/>.
    /// </summary>
    /// <param name="fallbackFolder">A folder of sources, such as a repository.</param>
    /// <param name="maxCharacters">The most characters; the text ends with the last member (or line) that fits.</param>
    /// <param name="cancellation">Stops between members.</param>
    /// <exception cref="InputException">Neither has any text.</exception>
    public static string ReadDefault(string fallbackFolder, int maxCharacters = int.MaxValue, CancellationToken cancellation = default) =>
        FindFolder() is { } folder ? Read(folder, maxCharacters, cancellation) : ReadSources(fallbackFolder, maxCharacters, cancellation);

    /// <summary>The text of all XML documentation files of a folder.</summary>
    /// <param name="folder">The folder; subfolders are not read.</param>
    /// <param name="maxCharacters">The most characters; the text ends with the last member that fits.</param>
    /// <param name="cancellation">Stops between members.</param>
    /// <exception cref="InputException">The folder cannot be read or has no such text.</exception>
    public static string Read(string folder, int maxCharacters = int.MaxValue, CancellationToken cancellation = default)
    {
        var text = new StringBuilder();
        foreach (string member in OrderedFiles(folder).SelectMany(XmlDocs.Members))
        {
            cancellation.ThrowIfCancellationRequested();
            if (member.Length > maxCharacters - text.Length) break;
            text.Append(member);
        }

        return text.Length > 0
            ? text.ToString()
            : throw new InputException($"The folder '{folder}' holds no XML documentation that fits in {maxCharacters} characters.");
    }

    /// <summary>The *.md and *.cs files of a folder in printable ASCII, without those of builds.</summary>
    internal static string ReadSources(string folder, int maxCharacters, CancellationToken cancellation)
    {
        string text = Ascii.Fold(TextSource.ReadFolder(folder, name => IsSource(Path.GetRelativePath(folder, name)), cancellation));
        return text.Length <= maxCharacters ? text : text[..(text.LastIndexOf('\n', maxCharacters - 1) + 1)];
    }

    private static bool IsSource(string name) =>
        Path.GetExtension(name) is ".md" or ".cs" && !name.Split('/', '\\').Any(part => part is "bin" or "obj" or "artifacts");

    private static IEnumerable<string> OrderedFiles(string folder)
    {
        if (!Directory.Exists(folder)) throw new InputException($"Cannot read the folder '{folder}': it does not exist.");
        return Directory.GetFiles(folder, "*.xml").OrderBy(Rank).ThenBy(Path.GetFileName, StringComparer.Ordinal);
    }

    private static int Rank(string file)
    {
        int rank = Array.IndexOf(First, Path.GetFileNameWithoutExtension(file));
        return rank < 0 ? First.Length : rank;
    }

    private static IEnumerable<string> Roots()
    {
        // .../shared/Microsoft.NETCore.App/10.0.0/
        yield return Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root) yield return root;
        string name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            var file = new FileInfo(Path.Combine(folder, name));
            if (file.Exists) yield return (file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file).DirectoryName!;
        }
    }

    /// <summary>The folder of XML files of the newest pack under a root of .NET, or null.</summary>
    internal static string? NewestPack(string root)
    {
        string packs = Path.Combine(root, "packs", "Microsoft.NETCore.App.Ref");
        if (!Directory.Exists(packs)) return null;
        return Directory.GetDirectories(packs).OrderByDescending(VersionOf).ThenBy(Path.GetFileName, StringComparer.Ordinal)
            .Where(pack => Directory.Exists(Path.Combine(pack, "ref")))
            .SelectMany(pack => Directory.GetDirectories(Path.Combine(pack, "ref"), "net*"))
            .FirstOrDefault(folder => Directory.EnumerateFiles(folder, "*.xml").Any());
    }

    /// <summary>
    /// A release counts as newer than its previews, whose names go on after a hyphen; both come after all older versions.
    /// </summary>
    private static (Version Number, bool Release) VersionOf(string pack)
    {
        string name = Path.GetFileName(pack);
        return (Version.TryParse(name.Split('-')[0], out var version) ? version : new Version(), !name.Contains('-'));
    }
}
