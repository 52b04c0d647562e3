using System.Text;

namespace Mayfly;

/// <summary>Reads the text to learn from: one file, or all text files of a folder.</summary>
public static class TextSource
{
    /// <summary>
    /// Reads a UTF-8 file, or a folder's files with all its subfolders in ordinal order of their paths, a line end after each. In a folder,
    /// names that start with a dot, what a training run wrote beside its snapshot, and files that are not text (no UTF-8, or with a NUL in
    /// them) are passed over.
    /// </summary>
    /// <param name="path">A file or a folder.</param>
    /// <param name="cancellation">Stops between files.</param>
    /// <exception cref="InputException">Nothing is there, it cannot be read, it is not text, or it is empty.</exception>
    public static string Read(string path, CancellationToken cancellation = default)
    {
        if (Directory.Exists(path)) return ReadFolder(path, static _ => true, cancellation);
        if (!File.Exists(path)) throw new InputException($"There is no file or folder '{path}'.");
        var text = Decode(path) ?? throw new InputException($"'{path}' is not UTF-8 text; convert it first.");
        return text.Length > 0 ? text : throw new InputException($"'{path}' is empty; there is nothing to learn from.");
    }

    /// <summary>Reads those files of a folder whose path passes <paramref name="wanted"/>, as <see cref="Read"/> does all.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="wanted">Gets the path of a file, which begins with <paramref name="folder"/>.</param>
    /// <param name="cancellation">Stops between files.</param>
    /// <exception cref="InputException">It cannot be read, or no such file is text.</exception>
    public static string ReadFolder(string folder, Func<string, bool> wanted, CancellationToken cancellation = default)
    {
        var text = new StringBuilder();
        foreach (string file in FilesBelow(folder).Where(wanted))
        {
            cancellation.ThrowIfCancellationRequested();
            if (Decode(file) is not { Length: > 0 } content || content.Contains('\0')) continue;
            text.Append(content);
            if (content[^1] != '\n') text.Append('\n');
        }

        return text.Length > 0 ? text.ToString()
            : throw new InputException($"The folder '{folder}' holds no text; there is nothing to learn from.");
    }

    /// <summary>
    /// The files below a folder, in the ordinal order of their paths with '/' between names, so that every system lists them alike.
    /// </summary>
    internal static string[] FilesBelow(string folder)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = false,
            AttributesToSkip = FileAttributes.ReparsePoint };
        return Files.Guard($"Cannot read the folder '{folder}'", () => Directory.EnumerateFiles(folder, "*", options)
            .Select(file => (File: file, Name: Path.GetRelativePath(folder, file).Replace('\\', '/')))
            .Where(f => !f.Name.Split('/').Any(part => part.StartsWith('.')) && Files.IsRegular(f.File))
            .OrderBy(f => f.Name, StringComparer.Ordinal).Select(f => f.File).Where(file => !IsRecord(file)).ToArray());
    }

    /// <summary>
    /// True for what the command line writes beside a snapshot: with <c>--data .</c> a run would learn from the one before.
    /// </summary>
    private static bool IsRecord(string file) =>
        Path.GetFileName(file) is "log.csv" or "config.json" or "run.html"
        && Snapshot.Exists(Path.GetDirectoryName(file)!);

    private static string? Decode(string file) => Files.DecodeUtf8(Files.ReadBytes(file));
}
