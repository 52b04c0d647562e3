namespace Mayfly;

/// <summary>Token files one after the other as one sequence, as llm.c cuts large data into shards.</summary>
public sealed class TokenShards : ITokens, IDisposable
{
    private const string Extension = ".bin";
    private readonly TokenFile[] files;
    private readonly long[] starts; // of each file, and the end

    private TokenShards(TokenFile[] files)
    {
        this.files = files;
        starts = new long[files.Length + 1];
        for (int i = 0; i < files.Length; i++) starts[i + 1] = starts[i] + files[i].Count;
    }

    /// <inheritdoc/>
    public long Count => starts[^1];

    /// <summary>The number of files.</summary>
    public int FileCount => files.Length;

    /// <summary>
    /// The token files that a path stands for: a <c>.bin</c> file; in ordinal order those that fit a name with * or ? that ends in
    /// <c>.bin</c>, or all of a folder that has nothing else in it; none for any other path.
    /// </summary>
    /// <exception cref="InputException">No file fits the name, or the folder cannot be read.</exception>
    public static IReadOnlyList<string> Find(string path)
    {
        if (Directory.Exists(path)) return TextSource.FilesBelow(path) is var below && below.All(IsTokens) ? below : [];
        if (!IsTokens(path)) return [];
        return Path.GetFileName(path).AsSpan().ContainsAny('*', '?') && !File.Exists(path) ? Fitting(path) : [path];
    }

    /// <summary>Opens files, at least one.</summary>
    /// <exception cref="InputException">One cannot be read, or is empty.</exception>
    /// <exception cref="BadFileException">One is cut short, or of an unknown version.</exception>
    public static TokenShards Open(IReadOnlyList<string> paths)
    {
        ArgumentOutOfRangeException.ThrowIfZero(paths.Count);
        var opened = new List<TokenFile>();
        try
        {
            foreach (string path in paths) opened.Add(TokenFile.Open(path));
            return new TokenShards([.. opened]);
        }
        catch
        {
            opened.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <inheritdoc/>
    public void Copy(long start, Span<int> ids)
    {
        if (start < 0 || start > Count - ids.Length)
            throw new ArgumentOutOfRangeException(nameof(start), $"Tokens {start} to {start + ids.Length} of {Count}.");
        int place = Array.BinarySearch(starts, start);
        for (int file = place < 0 ? ~place - 1 : place; ids.Length > 0; file++)
        {
            int count = (int)Math.Min(ids.Length, starts[file + 1] - start);
            files[file].Copy(start - starts[file], ids[..count]);
            ids = ids[count..];
            start += count;
        }
    }

    /// <summary>The largest id, found by reading all of them.</summary>
    /// <exception cref="BadFileException">An id is beyond the range of a vocabulary.</exception>
    public int LargestId() => files.Max(file => file.LargestId());

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in files) file.Dispose();
    }

    private static bool IsTokens(string path) => Path.GetExtension(path).Equals(Extension, StringComparison.OrdinalIgnoreCase);

    private static string[] Fitting(string pattern)
    {
        string folder = Path.GetDirectoryName(pattern) is { Length: > 0 } named ? named : ".";
        string[] found = Files.Guard($"Cannot read the folder '{folder}'", () => Directory.GetFiles(folder, Path.GetFileName(pattern)));
        Array.Sort(found, StringComparer.Ordinal);
        return found.Length > 0 ? found : throw new InputException($"No file fits '{pattern}'.");
    }
}
