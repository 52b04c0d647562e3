using System.Text.RegularExpressions;

namespace Mayfly;

/// <summary>Token files one after the other as one sequence, as llm.c cuts large data into shards.</summary>
public sealed class TokenShards : ITokens, IDisposable
{
    private const string Extension = ".bin", TokenizerEnd = ".tokenizer.json";
    private static readonly Regex SetName = new(@"-\d{5}-of-\d{5}\.bin$", RegexOptions.IgnoreCase);
    private readonly TokenFile[] files;
    private readonly long[] starts; // of each file, and the end

    private TokenShards(TokenFile[] files)
    {
        this.files = files;
        CheckSets();
        Info = files[0].Info is { } first && files.All(file => file.Info?.TokenizerHash == first.TokenizerHash) ? first : null;
        HasIgnored = files.Any(file => file.Info?.HasIgnored == true);
        int separator = Info?.Separator ?? -1;
        Separator = separator >= 0 && files.All(file => file.Info!.Separator == separator) ? separator : null;
        starts = new long[files.Length + 1];
        for (int i = 0; i < files.Length; i++) starts[i + 1] = starts[i] + files[i].Count;
    }

    /// <inheritdoc/>
    public long Count => starts[^1];

    /// <summary>The number of files.</summary>
    public int FileCount => files.Length;

    /// <summary>What the first file says of all; null where the files are not all of one tokenizer, or do not say.</summary>
    public TokenFileInfo? Info { get; }

    /// <inheritdoc/>
    public bool HasIgnored { get; }

    /// <inheritdoc/>
    public int? Separator { get; }

    /// <summary>
    /// The token files that a path stands for: a <c>.bin</c> file; in ordinal order those that fit a name with * or ? that ends in
    /// <c>.bin</c>, or all of a folder that has nothing else in it but their tokenizers; the files of a set, where only they are there;
    /// none for any other path.
    /// </summary>
    /// <exception cref="InputException">No file fits the name, or the folder cannot be read.</exception>
    public static IReadOnlyList<string> Find(string path)
    {
        if (Directory.Exists(path)) return TextSource.FilesBelow(path).Where(file => !IsTokenizer(file)).ToArray() is var below
            && below.All(IsTokens) ? below : [];
        if (!IsTokens(path)) return [];
        if (File.Exists(path)) return [path];
        return Path.GetFileName(path).AsSpan().ContainsAny('*', '?') ? Fitting(path) : SetOf(path) is { Length: > 0 } set ? set : [path];
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
    public void Copy(long start, Span<int> ids) => Copy(start, ids, areTargets: false);

    /// <inheritdoc/>
    public void CopyTargets(long start, Span<int> targets) => Copy(start, targets, areTargets: true);

    private void Copy(long start, Span<int> ids, bool areTargets)
    {
        if (start < 0 || start > Count - ids.Length)
            throw new ArgumentOutOfRangeException(nameof(start), $"Tokens {start} to {start + ids.Length} of {Count}.");
        int place = Array.BinarySearch(starts, start);
        for (int file = place < 0 ? ~place - 1 : place; ids.Length > 0; file++)
        {
            int count = (int)Math.Min(ids.Length, starts[file + 1] - start);
            if (areTargets) files[file].CopyTargets(start - starts[file], ids[..count]);
            else files[file].Copy(start - starts[file], ids[..count]);
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

    /// <summary>The file beside prepared tokens that holds their tokenizer.</summary>
    public static string TokenizerOf(string path) =>
        (SetName.Match(path) is { Success: true } match ? path[..match.Index] : path[..^Path.GetExtension(path).Length]) + TokenizerEnd;

    /// <summary>The files of a set that has a name: <c>NAME-00001-of-00003.bin</c>, in their order.</summary>
    internal static string[] SetOf(string path)
    {
        string folder = Path.GetDirectoryName(path) is { Length: > 0 } named ? named : ".", name = Path.GetFileNameWithoutExtension(path);
        if (!Directory.Exists(folder)) return [];
        return [.. Files.Guard($"Cannot read the folder '{folder}'", () => Directory.GetFiles(folder, $"*{Extension}"))
            .Where(file => SetName.Match(Path.GetFileName(file)) is { Success: true } match
                && Path.GetFileName(file)[..match.Index] == name)
            .Order(StringComparer.Ordinal).Select(file => Path.Combine(Path.GetDirectoryName(path) ?? "", Path.GetFileName(file)))];
    }

    /// <summary>Of each set that was prepared all files have to be there, in their order.</summary>
    private void CheckSets()
    {
        for (int i = 0; i < files.Length; i++)
        {
            if (files[i].Info is not { Shards: > 1 } info) continue;
            bool isNext = i > 0 && files[i - 1].Info is { } before && before.SourceHash == info.SourceHash
                && before.Shard == info.Shard - 1;
            bool isLast = i + 1 == files.Length || files[i + 1].Info?.SourceHash != info.SourceHash;
            int missing = info.Shard > 0 && !isNext ? info.Shard - 1 : isLast && info.Shard + 1 < info.Shards ? info.Shard + 1 : -1;
            if (missing >= 0) throw new BadFileException(files[i].Path, "shard",
                $"it is number {info.Shard + 1} of {info.Shards}, and number {missing + 1} is not beside it; name all of them, "
                + "or prepare the data again.");
        }
    }

    private static bool IsTokenizer(string path) => path.EndsWith(TokenizerEnd, StringComparison.OrdinalIgnoreCase);

    internal static bool IsTokens(string path) => Path.GetExtension(path).Equals(Extension, StringComparison.OrdinalIgnoreCase);

    private static string[] Fitting(string pattern)
    {
        string folder = Path.GetDirectoryName(pattern) is { Length: > 0 } named ? named : ".";
        string[] found = Files.Guard($"Cannot read the folder '{folder}'", () => Directory.GetFiles(folder, Path.GetFileName(pattern)));
        Array.Sort(found, StringComparer.Ordinal);
        return found.Length > 0 ? found : throw new InputException($"No file fits '{pattern}'.");
    }
}
