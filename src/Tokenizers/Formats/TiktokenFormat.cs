using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Mayfly;

/// <summary>tiktoken's files: a line for each token, its bytes in base64 and its rank, which is its id.</summary>
internal static class TiktokenFormat
{
    private const int LongestLine = 1 << 16;

    /// <summary>
    /// The first line in the files of Microsoft.ML.Tokenizers.Data, whose other lines have no ranks: these are their places.
    /// </summary>
    private static ReadOnlySpan<byte> Capacity => "Capacity:"u8;

    /// <summary>True where the first line is a token and its rank.</summary>
    public static bool Fits(ReadOnlyMemory<byte> bytes)
    {
        var line = FirstLine(bytes.Span);
        return line.StartsWith(Capacity) || (line.IndexOf((byte)' ') is var space and > 0 && Base64.IsValid(line[..space])
            && Utf8Parser.TryParse(line[(space + 1)..], out int _, out int used) && used == line.Length - space - 1);
    }

    /// <summary>Reads one whose number of tokens is that of a known encoding.</summary>
    /// <exception cref="BadFileException">It is damaged, or of an unknown encoding.</exception>
    public static TokenizerDefinition Read(byte[] bytes, string file)
    {
        var list = new TokenList(file);
        ReadLines(bytes, file, list);
        var encoding = TiktokenEncoding.All.FirstOrDefault(encoding => encoding.Ranks == list.Count) ?? throw new BadFileException(
            file, "ranks", $"there are {list.Count}; the pattern that cuts text is known for "
                + $"{string.Join(", ", TiktokenEncoding.All.Select(e => $"{e.Ranks} ({e.Name})"))}. Use the tokenizer.json of the model.");
        return Define(list, encoding);
    }

    private static TokenizerDefinition Define(TokenList list, TiktokenEncoding encoding)
    {
        foreach (var (name, id) in encoding.Specials) list.Add(id, Encoding.UTF8.GetBytes(name), TokenKind.Control, "ranks");
        var (tokens, kinds) = list.ToArrays("ranks");
        var model = ByteModel.OfRanks(tokens, kinds);
        return new TokenizerDefinition
        {
            Tokens = tokens,
            Kinds = kinds,
            Model = model,
            IsByteLevel = true,
            Added = [.. encoding.Specials.Select(special => new AddedToken(special.Id, special.Name, IsSpecial: true))],
            PreTokenizer = ByteModel.PreTokenizer(encoding.Pattern),
            Decoder = ByteModel.Decoder,
            End = encoding.Specials[0].Id,
        };
    }

    private static void ReadLines(ReadOnlySpan<byte> rest, string file, TokenList list)
    {
        bool isCounted = rest.StartsWith(Capacity);
        for (int number = 1; rest.Length > 0; number++)
        {
            var line = FirstLine(rest);
            rest = rest[Math.Min(line.Length + 1, rest.Length)..];
            line = line.TrimEnd((byte)'\r');
            if (line.IsEmpty || (isCounted && number == 1)) continue;
            string field = $"line {number}";
            int space = line.IndexOf((byte)' ');
            byte[] token = Token(isCounted || space < 0 ? line : line[..space]) ?? throw new BadFileException(
                file, field, "a token in base64, a space and its rank are needed here.");
            list.Add(isCounted ? list.Count : Rank(line[(space + 1)..]) ?? throw new BadFileException(
                file, field, "the rank is no whole number from 0 on."), token, TokenKind.Normal, field);
        }
    }

    private static byte[]? Token(ReadOnlySpan<byte> text)
    {
        if (text.Length > LongestLine) return null;
        var token = new byte[text.Length];
        return Base64.DecodeFromUtf8(text, token, out _, out int length) == OperationStatus.Done && length > 0 ? token[..length] : null;
    }

    private static int? Rank(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out int rank, out int used) && used == text.Length && rank >= 0 ? rank : null;

    private static ReadOnlySpan<byte> FirstLine(ReadOnlySpan<byte> bytes) =>
        bytes.IndexOf((byte)'\n') is var end and >= 0 ? bytes[..end] : bytes;
}
