using System.Collections.Concurrent;
using System.Text;
using System.Text.Unicode;

namespace Mayfly;

/// <summary>
/// Learns a byte-level byte-pair encoding (Sennrich, Haddow and Birch 2016; GPT-2): the 256 bytes, merges of the most frequent neighbours
/// within GPT-2's pieces of text, and <c>&lt;|endoftext|&gt;</c>. Texts are read as streams; only the different pieces stay in memory. Of
/// pairs equally frequent the one with the lower left id is merged first, then that with the lower right one, as Hugging Face's trainer
/// does.
/// </summary>
public sealed class BpeTrainer
{
    /// <summary>The name of the special token that ends a text; it has the last id.</summary>
    public const string EndOfText = TiktokenEncoding.EndOfText;

    private const int ChunkBytes = 1 << 20, Sniffed = 1 << 16, Bytes = 256;
    private readonly int vocabularySize, threads;
    private readonly WordCounter counter = new();

    /// <summary>Sets how many tokens there are at most.</summary>
    /// <param name="vocabularySize">The number of ids, the bytes and the special token among them.</param>
    /// <param name="threads">Threads that count; 0 takes every core. They do not change the result.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 257 tokens, or more than 2^20; or less than no thread.</exception>
    public BpeTrainer(int vocabularySize, int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, Bytes + 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(vocabularySize, 1 << 20);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        (this.vocabularySize, this.threads) = (vocabularySize, threads > 0 ? threads : Environment.ProcessorCount);
    }

    /// <summary>The bytes that were read.</summary>
    public long ReadBytes { get; private set; }

    /// <summary>The different pieces that were found.</summary>
    public int Pieces => counter.Counts.Count;

    /// <summary>Counts a text's pieces. It may be of any length, and of any bytes.</summary>
    /// <param name="text">The text, which is read to its end.</param>
    /// <param name="cancellation">Stops between chunks.</param>
    public void Add(Stream text, CancellationToken cancellation = default)
    {
        var counters = new ConcurrentBag<WordCounter>();
        var chunks = TextChunks.Read(text, ChunkBytes).Select(chunk =>
        {
            ReadBytes += chunk.Length;
            return chunk;
        });
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
        Parallel.ForEach(Partitioner.Create(chunks, EnumerablePartitionerOptions.NoBuffering), options, () => new WordCounter(),
            (chunk, _, own) =>
            {
                own.Add(chunk);
                return own;
            },
            counters.Add);
        foreach (var own in counters) counter.Add(own);
    }

    /// <summary>
    /// Counts the pieces of a UTF-8 file, or of a folder's files with all its subfolders; there names that start with a dot and files that
    /// are no text are passed over.
    /// </summary>
    /// <param name="path">A file or a folder.</param>
    /// <param name="cancellation">Stops between chunks.</param>
    /// <returns>The files that were read, and those that were passed over.</returns>
    /// <exception cref="InputException">There is no such file or folder, it cannot be read, or it is no text.</exception>
    public (int Read, int Skipped) Add(string path, CancellationToken cancellation = default)
    {
        if (!Directory.Exists(path)) return AddFile(path, cancellation) ? (1, 0)
            : throw new InputException($"'{path}' is not UTF-8 text; convert it first.");
        var files = TextSource.FilesBelow(path);
        int read = files.Count(file => AddFile(file, cancellation));
        return (read, files.Length - read);
    }

    private bool AddFile(string path, CancellationToken cancellation) => Files.Guard($"Cannot read '{path}'", () =>
    {
        using var stream = Files.OpenRead(path);
        bool isText = IsText(stream);
        if (isText) Add(stream, cancellation);
        return isText;
    });

    /// <summary>Tells by a file's begin; bytes that are no text further on do no harm.</summary>
    private static bool IsText(FileStream stream)
    {
        var begin = new byte[Sniffed];
        int count = stream.ReadAtLeast(begin, Sniffed, throwOnEndOfStream: false);
        stream.Position = 0;
        var text = begin.AsSpan(0, count);
        for (int cut = 0; cut <= (count < Sniffed ? 0 : 3); cut++)
            if (Utf8.IsValid(text[..^cut])) return !text.Contains((byte)0);
        return false;
    }

    /// <summary>Learns the merges. There are fewer tokens than asked for where no pair of neighbours came twice any more.</summary>
    /// <param name="cancellation">Stops between merges.</param>
    /// <exception cref="InputException">There was no text.</exception>
    public SubwordTokenizer Train(CancellationToken cancellation = default)
    {
        if (ReadBytes == 0) throw new InputException("There is no text to learn a vocabulary from.");
        var tokens = new List<byte[]>(Enumerable.Range(0, Bytes).OrderBy(b => ByteAlphabet.Write([(byte)b]), StringComparer.Ordinal)
            .Select(b => new[] { (byte)b }));
        var merges = Merges(tokens, cancellation);
        return Make(tokens, merges);
    }

    private List<(int Left, int Right)> Merges(List<byte[]> tokens, CancellationToken cancellation)
    {
        var known = new BytesMap();
        for (int id = 0; id < Bytes; id++) known.Add(tokens[id], id);
        var learner = new MergeLearner(counter.Counts.Select(word => (word.Key.Select(b => known.Find([b])).ToList(), word.Value)));
        var merges = new List<(int, int)>();
        while (tokens.Count < vocabularySize - 1 && learner.Next(Symbol) is { } merge)
        {
            cancellation.ThrowIfCancellationRequested();
            merges.Add(merge);
        }

        return merges;

        // another pair may have given the same bytes before
        int Symbol(int left, int right)
        {
            byte[] token = [.. tokens[left], .. tokens[right]];
            if (known.Add(token, tokens.Count)) tokens.Add(token);
            return known.Find(token);
        }
    }

    private static SubwordTokenizer Make(List<byte[]> tokens, List<(int Left, int Right)> merges)
    {
        const string Name = "trained";
        var list = new TokenList(Name);
        for (int id = 0; id < tokens.Count; id++) list.Add(id, tokens[id], TokenKind.Normal, Name);
        list.Add(tokens.Count, Encoding.UTF8.GetBytes(EndOfText), TokenKind.Control, Name);
        var definition = Gpt2Format.Define(list, merges.Select(merge =>
            (ByteAlphabet.Write(tokens[merge.Left]), ByteAlphabet.Write(tokens[merge.Right]), Name)), Name);
        var json = new MemoryStream();
        HuggingFaceWriter.Write(json, definition);
        return TokenizerFile.Make(TokenizerFormat.HuggingFace, json.ToArray(), Name);
    }
}
