using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace TrainGpt;

/// <summary>How documents are found in data.</summary>
/// <param name="TextField">The field or column of a document's text.</param>
/// <param name="Template">How a chat is written; null for what fits the tokenizer.</param>
/// <param name="FilesAreDocuments">Whether a text file of a folder is a document of its own.</param>
internal sealed record DataFormat(string TextField, ChatTemplate? Template, bool FilesAreDocuments);

/// <summary>Text to learn from, of any length: a file, or the files of a folder. It is read in parts, as often as it is needed.</summary>
internal sealed class DataSource
{
    private const string Packed = ".gz";
    private const int MostNamed = 3;

    /// <summary>What can be read, by how a name ends; the last takes all others.</summary>
    private static readonly Kind[] Kinds =
    [
        new([".jsonl", ".ndjson"], "a .jsonl file of objects with a field text, prompt and completion, or messages",
            (source, file, stream) => JsonLines.Read(file, stream, source.format.TextField, source.template)),
        new([".parquet"], "a .parquet file with such columns",
            (source, file, stream) => ParquetTexts.Read(file, stream, source.format.TextField)),
        new([""], "a UTF-8 text file", (source, file, stream) =>
            TextParts.Read(file, stream, source.isFolder, source.format.FilesAreDocuments)),
    ];

    private readonly string path;
    private readonly DataFormat format;
    private readonly bool isFolder;
    private readonly List<string> files = [];
    private readonly List<(string Path, string Why)> skipped = [];
    private ChatTemplate template;

    private DataSource(string path, DataFormat format)
    {
        (this.path, this.format, isFolder, template) = (path, format, Directory.Exists(path), format.Template ?? ChatTemplate.Plain);
        if (isFolder) List();
        else files.Add(path);
        Bytes = files.Sum(file => new FileInfo(file).Length);
    }

    /// <summary>What can be read, in words.</summary>
    public static string Help =>
        string.Join("; ", Kinds.Reverse().Select(kind => kind.Help)) + $", each also as {Packed}; or a folder of these.";

    /// <summary>The bytes of all files, as they lie on the disk.</summary>
    public long Bytes { get; }

    /// <summary>How many of them were read since the last reading began.</summary>
    public long ReadBytes { get; private set; }

    /// <summary>What was read and what was passed over, in a line; null for a single file.</summary>
    public string? Summary => !isFolder ? null : Invariant($"Read {Count(files.Count, "file")}, {Bytes:N0} bytes")
        + (skipped.Count == 0 ? "." : $"; passed over {string.Join(", ", skipped.GroupBy(skip => skip.Why).Select(Named))}.");

    /// <summary>Opens a file or a folder; of texts in a folder the begin is looked at.</summary>
    /// <exception cref="InputException">It cannot be read, or there is nothing to learn from.</exception>
    /// <exception cref="BadFileException">A file of the folder is text in another encoding.</exception>
    public static DataSource Open(string path, DataFormat format)
    {
        if (!Path.Exists(path)) throw new InputException($"There is no file or folder '{path}'.");
        var source = new DataSource(path, format);
        if (source.Bytes == 0) throw new InputException(
            (source.isFolder ? $"The folder '{path}' holds no text" : $"'{path}' is empty") + "; there is nothing to learn from.");
        return source;
    }

    /// <summary>Fits the template of chats to a tokenizer, unless one was asked for.</summary>
    public void FitTo(Tokenizer tokenizer) => template = format.Template ?? ChatTemplate.For(tokenizer);

    /// <summary>All documents, in parts.</summary>
    /// <exception cref="InputException">A file cannot be read; the message names it.</exception>
    public IEnumerable<DocumentPart> Parts()
    {
        long before = 0;
        foreach (string file in files)
        {
            using var stream = Files.OpenRead(file);
            using var unpacked = IsPacked(file) ? new GZipStream(stream, CompressionMode.Decompress) : (Stream)stream;
            foreach (var part in Unpacked(file, KindOf(file).Read(this, file, unpacked)))
            {
                ReadBytes = before + stream.Position;
                yield return part;
            }

            before += new FileInfo(file).Length;
        }
    }

    /// <summary>The texts whose characters a vocabulary needs.</summary>
    public IEnumerable<string> Texts()
    {
        bool ends = false;
        foreach (var part in Parts())
        {
            ends |= part.EndsDocument;
            yield return Encoding.UTF8.GetString(part.Utf8.Span);
        }

        if (ends) yield return TokenEncoder.Separator;
    }

    /// <summary>32 hexadecimal digits that change with the files (names, lengths, times of change), the tokenizer and the format.</summary>
    public string Hash(Tokenizer tokenizer)
    {
        var text = new StringBuilder(Invariant($"1 {tokenizer.Hash} {format.TextField} {template.Name} {format.FilesAreDocuments}\n"));
        foreach (string file in files)
        {
            var info = new FileInfo(file);
            text.Append(Invariant($"{Path.GetFullPath(file)} {info.Length} {info.LastWriteTimeUtc.Ticks}\n"));
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 16));
    }

    private void List()
    {
        var (found, passed) = TextSource.List(path);
        skipped.AddRange(passed);
        foreach (string file in found)
        {
            if (!KindOf(file).IsText || IsPacked(file)) files.Add(file);
            else if (TextFile.Sniff(file) is { Problem: { } problem } other)
            {
                if (other.IsText) throw new BadFileException(file, "text", problem);
                skipped.Add((Path.GetRelativePath(path, file), "not text"));
            }
            else files.Add(file);
        }
    }

    private static Kind KindOf(string file)
    {
        string name = IsPacked(file) ? file[..^Packed.Length] : file;
        return Kinds.First(kind => kind.Ends.Any(end => name.EndsWith(end, StringComparison.OrdinalIgnoreCase)));
    }

    private static bool IsPacked(string file) => file.EndsWith(Packed, StringComparison.OrdinalIgnoreCase);

    /// <summary>A damaged archive is said with its name.</summary>
    private static IEnumerable<DocumentPart> Unpacked(string file, IEnumerable<DocumentPart> parts)
    {
        using var all = parts.GetEnumerator();
        while (Next()) yield return all.Current;

        bool Next()
        {
            try
            {
                return all.MoveNext();
            }
            catch (InvalidDataException e)
            {
                throw new BadFileException(file, Packed, $"it cannot be unpacked: {e.Message}", e);
            }
        }
    }

    private static string Named(IGrouping<string, (string Path, string Why)> group)
    {
        string[] names = [.. group.Select(skip => skip.Path).Order(StringComparer.Ordinal)];
        string more = names.Length > MostNamed ? ", ..." : "";
        return Invariant($"{names.Length:N0} ({group.Key}: {string.Join(", ", names.Take(MostNamed))}{more})");
    }

    private static string Count(int count, string what) => Invariant($"{count:N0} {what}{(count == 1 ? "" : "s")}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>A kind of file.</summary>
    /// <param name="Ends">How its name ends.</param>
    /// <param name="Help">What it is, in words.</param>
    /// <param name="Read">Its documents.</param>
    private sealed record Kind(string[] Ends, string Help, Func<DataSource, string, Stream, IEnumerable<DocumentPart>> Read)
    {
        public bool IsText => Ends is [""];
    }
}
