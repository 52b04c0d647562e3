namespace Mayfly;

/// <summary>
/// Makes ids of documents of any number and length: several threads encode, what comes out is in the order of the parts and the same for
/// any number of threads, and memory does not grow with the data.
/// </summary>
/// <param name="tokenizer">How text becomes ids.</param>
/// <param name="threads">Threads that encode; 0 takes every core.</param>
public sealed class TokenEncoder(Tokenizer tokenizer, int threads = 0)
{
    /// <summary>Ends a document where the tokenizer has no token for that: the control character "end of text".</summary>
    public const string Separator = "\u0003";

    /// <summary>The bit of an id that is not to be learned.</summary>
    internal const int Ignored = int.MinValue;

    private const int JobBytes = 1 << 18, JobsPerThread = 4;
    private readonly int threads = threads > 0 ? threads : Environment.ProcessorCount;
    private int? separator;

    /// <summary>The id after each document.</summary>
    /// <exception cref="InputException">The vocabulary has none for it.</exception>
    public int SeparatorId => separator ??= tokenizer.EndOfText ?? tokenizer.Encode(Separator)[0];

    /// <summary>The id after each document; null where none has ended yet.</summary>
    public int? SeparatorUsed => separator;

    /// <summary>
    /// Writes the ids of the parts to token files, a set that is there whole or not at all.
    /// </summary>
    /// <param name="parts">The documents; they may be read twice, as it shows in them whether all ids are to be learned.</param>
    /// <param name="path">The file, a name that ends in <c>.bin</c>; several where one would be too large.</param>
    /// <param name="sourceHash">What the documents are, 32 hexadecimal digits.</param>
    /// <param name="shardIds">The most ids of a file.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The files, and the number of ids in all.</returns>
    /// <exception cref="InputException">The vocabulary lacks a part of the text, there is none, or the files cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public (IReadOnlyList<string> Files, long Count) Write(
        IEnumerable<DocumentPart> parts, string path, string sourceHash, int shardIds = TokenFileWriter.StandardShard,
        CancellationToken cancellation = default) => Write(parts, path, sourceHash, shardIds, hasIgnored: false, cancellation)
            ?? Write(parts, path, sourceHash, shardIds, hasIgnored: true, cancellation)!.Value;

    /// <summary>Null where ids are not to be learned and the files cannot say so.</summary>
    private (IReadOnlyList<string> Files, long Count)? Write(
        IEnumerable<DocumentPart> parts, string path, string sourceHash, int shardIds, bool hasIgnored, CancellationToken cancellation)
    {
        var info = new TokenFileInfo { TokenizerHash = tokenizer.Hash, SourceHash = sourceHash, VocabularySize = tokenizer.VocabularySize,
            HasIgnored = hasIgnored };
        using var writer = new TokenFileWriter(path, info, shardIds);
        foreach (int[] ids in Encode(parts, cancellation))
        {
            if (!hasIgnored && ids.AsSpan().ContainsAnyInRange(int.MinValue, -1)) return null;
            writer.Write(ids);
        }

        writer.Separator = separator ?? -1;
        return (writer.Finish(), writer.Count);
    }

    /// <summary>
    /// The ids of the parts, in pieces. The highest bit of an id says that it is not to be learned.
    /// </summary>
    /// <exception cref="InputException">The vocabulary lacks a part of the text.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    internal IEnumerable<int[]> Encode(IEnumerable<DocumentPart> parts, CancellationToken cancellation)
    {
        var jobs = new List<List<DocumentPart>>();
        int room = 0;
        foreach (var part in parts)
        {
            if (room <= 0 && jobs.Count == threads * JobsPerThread)
            {
                foreach (int[] ids in Run(jobs, cancellation)) yield return ids;
                jobs.Clear();
            }

            if (room <= 0)
            {
                jobs.Add([]);
                room = JobBytes;
            }

            jobs[^1].Add(part);
            room -= part.Utf8.Length + 1;
            if (part.EndsDocument) _ = SeparatorId; // which may not be found out by several threads
        }

        foreach (int[] ids in Run(jobs, cancellation)) yield return ids;
    }

    /// <summary>All ids in memory.</summary>
    /// <exception cref="InputException">
    /// The vocabulary lacks a part of the text, or there are more than memory holds in one piece.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public ITokens ToMemory(IEnumerable<DocumentPart> parts, CancellationToken cancellation = default)
    {
        var pieces = new List<int[]>();
        long count = 0;
        foreach (int[] ids in Encode(parts, cancellation))
        {
            pieces.Add(ids);
            if ((count += ids.Length) > Array.MaxLength)
                throw new InputException("there are more tokens than memory holds in one piece; prepare them to a .bin file first.");
        }

        int[] all = new int[count];
        int at = 0;
        foreach (int[] ids in pieces)
        {
            ids.CopyTo(all, at);
            at += ids.Length;
        }

        return new MarkedTokens(all, separator);
    }

    private int[][] Run(List<List<DocumentPart>> jobs, CancellationToken cancellation)
    {
        var results = new int[jobs.Count][];
        var failures = new Exception?[jobs.Count];
        Parallel.For(0, jobs.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            try
            {
                if (!cancellation.IsCancellationRequested) results[i] = Encode(jobs[i]);
            }
            catch (Exception e) when (e is InputException or ArgumentException)
            {
                failures[i] = e;
            }
        });
        cancellation.ThrowIfCancellationRequested();
        if (failures.FirstOrDefault(e => e is not null) is { } first) throw new InputException(first.Message, first);
        return results;
    }

    private int[] Encode(List<DocumentPart> parts)
    {
        var ids = new List<int>();
        foreach (var part in parts)
        {
            foreach (int id in Encode(part)) ids.Add(part.IsIgnored ? id | Ignored : id);
            if (part.EndsDocument) ids.Add(SeparatorId);
        }

        return [.. ids];
    }

    private int[] Encode(DocumentPart part)
    {
        if (part.IsSpecial && tokenizer.SpecialTokens.TryGetValue(TextParts.Text(part), out int id)) return [id];
        return part.IsContinued ? tokenizer.EncodeNextBytes(part.Utf8.Span) : tokenizer.EncodeBytes(part.Utf8.Span);
    }
}

/// <summary>Ids in memory, of which those with the highest bit are not to be learned.</summary>
internal sealed class MarkedTokens(int[] ids, int? separator) : ITokens
{
    public long Count => ids.Length;

    public bool HasIgnored { get; } = ids.AsSpan().ContainsAnyInRange(int.MinValue, -1);

    public int? Separator => separator;

    public void Copy(long start, Span<int> to)
    {
        ids.AsSpan(checked((int)start), to.Length).CopyTo(to);
        if (HasIgnored) Marks.Clear(to);
    }

    public void CopyTargets(long start, Span<int> targets)
    {
        ids.AsSpan(checked((int)start), targets.Length).CopyTo(targets);
        if (HasIgnored) Marks.Ignore(targets);
    }
}

/// <summary>The highest bit of an id, which says that it is not to be learned.</summary>
internal static class Marks
{
    /// <summary>The ids themselves.</summary>
    public static void Clear(Span<int> ids)
    {
        foreach (ref int id in ids) id &= ~TokenEncoder.Ignored;
    }

    /// <summary>-1 for those that are not to be learned.</summary>
    public static void Ignore(Span<int> ids)
    {
        foreach (ref int id in ids) id = id < 0 ? -1 : id;
    }
}
