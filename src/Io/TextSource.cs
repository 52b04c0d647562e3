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
    /// <exception cref="InputException">Nothing is there, it cannot be read, it is empty, or longer than one text can be.</exception>
    /// <exception cref="BadFileException">It is not text; the message says what it is.</exception>
    public static string Read(string path, CancellationToken cancellation = default) => Join(path, ReadTexts(path, cancellation));

    /// <summary>
    /// The texts that <see cref="Read"/> makes one of, one a file: so a folder may hold more than one text can have.
    /// </summary>
    /// <param name="path">A file or a folder.</param>
    /// <param name="cancellation">Stops between files.</param>
    /// <exception cref="InputException">Nothing is there, it cannot be read, it is empty, or longer than this machine's memory.</exception>
    /// <exception cref="BadFileException">It is not text; the message says what it is.</exception>
    public static IReadOnlyList<string> ReadTexts(string path, CancellationToken cancellation = default)
    {
        if (Directory.Exists(path)) return ReadFiles(path, static _ => true, cancellation);
        if (!File.Exists(path)) throw new InputException($"There is no file or folder '{path}'.");
        string text = TextFile.Read(path);
        return text.Length > 0 ? [text] : throw new InputException($"'{path}' is empty; there is nothing to learn from.");
    }

    /// <summary>Reads those files of a folder whose path passes <paramref name="wanted"/>, as <see cref="Read"/> does all.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="wanted">Gets the path of a file, which begins with <paramref name="folder"/>.</param>
    /// <param name="cancellation">Stops between files.</param>
    /// <exception cref="InputException">It cannot be read, no such file is text, or they are longer than one text can be.</exception>
    public static string ReadFolder(string folder, Func<string, bool> wanted, CancellationToken cancellation = default) =>
        Join(folder, ReadFiles(folder, wanted, cancellation));

    /// <summary>
    /// The files below a folder that may be data, in the ordinal order of their paths, and what is passed over with the reason: names that
    /// start with a dot, links, and the folders of training runs, from whose models and logs nothing is to be learned.
    /// </summary>
    /// <exception cref="InputException">The folder cannot be read.</exception>
    public static (IReadOnlyList<string> Files, IReadOnlyList<(string Path, string Why)> Skipped) List(string folder)
    {
        var (found, skipped) = (new List<(string File, string Name)>(), new List<(string, string)>());
        Mayfly.Files.Guard($"Cannot read the folder '{folder}'", () =>
        {
            Visit(folder, "");
            return true;
        });
        return ([.. found.OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => file.File)], skipped);

        void Visit(string place, string name)
        {
            foreach (var entry in new DirectoryInfo(place).EnumerateFileSystemInfos())
            {
                string path = Path.Combine(place, entry.Name), full = name + entry.Name;
                if (WhyNot(entry, path) is { } why) skipped.Add((full, why));
                else if (entry is DirectoryInfo) Visit(path, full + "/");
                else found.Add((path, full));
            }
        }
    }

    private static string? WhyNot(FileSystemInfo entry, string path) => entry.Name.StartsWith('.') ? "hidden"
        : entry.LinkTarget is not null ? "link"
        : entry is DirectoryInfo ? Snapshot.Exists(path) ? "run" : null
        : !Files.IsRegular(path) ? "no regular file"
        : IsRecord(path) ? "run" : null;

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
        Path.GetFileName(file) is "log.csv" or "config.json" or "run.html" or Snapshot.FileName or Snapshot.BestFileName
            or Snapshot.PreviousFileName
        && Snapshot.Exists(Path.GetDirectoryName(file)!);

    private static List<string> ReadFiles(string folder, Func<string, bool> wanted, CancellationToken cancellation)
    {
        var texts = new List<string>();
        long characters = 0;
        foreach (string file in FilesBelow(folder).Where(wanted))
        {
            cancellation.ThrowIfCancellationRequested();
            if (ReadIfText(file) is not { Length: > 0 } text) continue;
            texts.Add(text[^1] == '\n' ? text : text + '\n');
            TextFile.CheckFits($"The folder '{folder}'", characters += text.Length, sizeof(char));
        }

        return texts.Count > 0 ? texts
            : throw new InputException($"The folder '{folder}' holds no text; there is nothing to learn from.");
    }

    private static string? ReadIfText(string file)
    {
        try
        {
            return TextFile.Read(file);
        }
        catch (BadFileException)
        {
            return null;
        }
    }

    private static string Join(string path, IReadOnlyList<string> texts)
    {
        if (texts is [var only]) return only;
        long characters = texts.Sum(text => (long)text.Length);
        return characters <= TextFile.LongestText ? string.Concat(texts)
            : throw new InputException($"'{path}' has {characters:N0} characters; {TextFile.Remedy}");
    }
}
