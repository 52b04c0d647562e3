using System.Buffers.Text;
using System.Text;

namespace Mayfly;

/// <summary>tiktoken's files: a line for each token, its bytes in base64 and its rank, which is its id.</summary>
internal static class TiktokenFormat
{
    private const int LongestLine = 1 << 16;

    /// <summary>A first line that Microsoft.ML.Tokenizers.Data puts into its files.</summary>
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
        for (int number = 1; rest.Length > 0; number++)
        {
            var line = FirstLine(rest);
            rest = rest[Math.Min(line.Length + 1, rest.Length)..];
            line = line.TrimEnd((byte)'\r');
            if (line.IsEmpty || (number == 1 && line.StartsWith(Capacity))) continue;
            ReadLine(line, file, number, list);
        }
    }

    private static void ReadLine(ReadOnlySpan<byte> line, string file, int number, TokenList list)
    {
        int space = line.IndexOf((byte)' ');
        byte[] token = new byte[line.Length];
        if (line.Length > LongestLine || space <= 0 || Base64.DecodeFromUtf8(line[..space], token, out _, out int length) != 0 || length == 0)
            throw new BadFileException(file, $"line {number}", "a token in base64, a space and its rank are needed here.");
        if (!Utf8Parser.TryParse(line[(space + 1)..], out int rank, out int used) || used != line.Length - space - 1 || rank < 0)
            throw new BadFileException(file, $"line {number}", "the rank is no whole number from 0 on.");
        list.Add(rank, token[..length], TokenKind.Normal, $"line {number}");
    }

    private static ReadOnlySpan<byte> FirstLine(ReadOnlySpan<byte> bytes) =>
        bytes.IndexOf((byte)'\n') is var end and >= 0 ? bytes[..end] : bytes;
}
