using System.Diagnostics;
using System.Globalization;

namespace TrainGpt;

/// <summary>Prepares data once and keeps its ids, so that it is not bounded by memory and a second run begins at once.</summary>
/// <param name="Folder">Where ids are kept.</param>
/// <param name="Always">True to keep those of little data, too, which fits in memory.</param>
/// <param name="Threads">Threads that encode.</param>
/// <param name="Context">Hears how far it is.</param>
internal sealed record TokenCache(string Folder, bool Always, int Threads, CommandContext Context)
{
    /// <summary>What is encoded anew each time, in memory: 64 MiB.</summary>
    public const long MostInMemory = 64 << 20;

    private const double SecondsBetweenLines = 10, SecondsOnScreen = 0.5;

    /// <summary>The cache of a run.</summary>
    public static TokenCache Of(TrainOptions options, CommandContext context) =>
        new(options.Cache ?? Path.Combine(options.Out, "tokens"), options.Cache is not null, options.Threads, context);

    /// <summary>The ids of data.</summary>
    /// <exception cref="InputException">The data cannot be read, the vocabulary lacks a part, or the ids cannot be written.</exception>
    public ITokens Tokens(DataSource source, Tokenizer tokenizer)
    {
        source.FitTo(tokenizer);
        if (source.Bytes <= MostInMemory && !Always)
            return new TokenEncoder(tokenizer, Threads).ToMemory(source.Parts(), Context.Stop);
        string hash = source.Hash(tokenizer), path = Path.Combine(Folder, $"{hash[..16]}.bin");
        if (Known(path, hash, tokenizer) is { } known) return known;
        Prepare(source, tokenizer, path, TokenFileWriter.StandardShard);
        return Known(path, hash, tokenizer) ?? throw new InputException($"'{path}' was changed while it was made; begin again.");
    }

    /// <summary>Writes the ids of data, and says how far it is.</summary>
    /// <returns>The files, the ids in all and the seconds it took.</returns>
    /// <exception cref="InputException">The data cannot be read, the vocabulary lacks a part, or the ids cannot be written.</exception>
    public (IReadOnlyList<string> Files, long Count, double Seconds) Prepare(
        DataSource source, Tokenizer tokenizer, string path, int shardIds)
    {
        source.FitTo(tokenizer);
        var clock = Stopwatch.StartNew();
        var (files, count) = new TokenEncoder(tokenizer, Threads).Write(
            Told(source, clock), path, source.Hash(tokenizer), shardIds, Context.Stop);
        return (files, count, clock.Elapsed.TotalSeconds);
    }

    private static TokenShards? Known(string path, string hash, Tokenizer tokenizer)
    {
        if (TokenShards.Find(path) is not [var first, ..] found || !File.Exists(first)) return null;
        TokenShards? tokens = null;
        try
        {
            tokens = TokenShards.Open(found);
            if (tokens.Info is { } info && info.SourceHash == hash && info.TokenizerHash == tokenizer.Hash) return tokens;
        }
        catch (InputException)
        {
            // it is made again
        }

        tokens?.Dispose();
        return null;
    }

    private IEnumerable<DocumentPart> Told(DataSource source, Stopwatch clock)
    {
        double last = 0;
        foreach (var part in source.Parts())
        {
            double now = clock.Elapsed.TotalSeconds;
            if (now - last >= (Context.IsLive ? SecondsOnScreen : SecondsBetweenLines))
            {
                last = now;
                string text = Text(source.ReadBytes, source.Bytes, now);
                if (Context.IsLive) Context.Screen.Write($"\r{text} \r");
                else Context.Errors.WriteLine(text);
            }

            yield return part;
        }
    }

    /// <summary>How far it is.</summary>
    public static string Text(long read, long all, double seconds) => string.Create(CultureInfo.InvariantCulture,
        $"preparing: {100 * read / Math.Max(1, all)} % of {all:N0} bytes, {read / 1e6 / Math.Max(seconds, 1e-3):F1} MB/s");
}
