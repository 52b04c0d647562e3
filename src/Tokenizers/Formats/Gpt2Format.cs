using System.Text;

namespace Mayfly;

/// <summary>
/// GPT-2's two files: tokens with their ids in a JSON object (encoder.json, vocab.json), and merges in lines (vocab.bpe, merges.txt).
/// </summary>
internal static class Gpt2Format
{
    /// <summary>How the two are called, at the end of their names.</summary>
    private static readonly (string Ids, string Merges)[] Names = [("encoder.json", "vocab.bpe"), ("vocab.json", "merges.txt")];

    /// <summary>Both paths, if one is the end of such a name; null otherwise.</summary>
    public static (string Ids, string Merges)? Find(string path)
    {
        foreach (var (ids, merges) in Names)
            if (path.EndsWith(ids, StringComparison.Ordinal)) return (path, path[..^ids.Length] + merges);
            else if (path.EndsWith(merges, StringComparison.Ordinal)) return (path[..^merges.Length] + ids, path);
        return null;
    }

    /// <summary>Both as a tokenizer.json.</summary>
    /// <exception cref="BadFileException">One is damaged.</exception>
    public static byte[] ToHuggingFace(byte[] ids, string idsFile, byte[] merges, string mergesFile)
    {
        var definition = JsonPart.Read(ids, idsFile, root => Define(root, Lines(merges, mergesFile), mergesFile));
        var json = new MemoryStream();
        HuggingFaceWriter.Write(json, definition);
        return json.ToArray();
    }

    /// <summary>What a list of tokens in GPT-2's characters and their merges make.</summary>
    public static TokenizerDefinition Define(TokenList list, IEnumerable<(string Left, string Right, string Field)> merges, string file)
    {
        var (tokens, kinds) = list.ToArrays("tokens");
        var map = ByteModel.Map(tokens, kinds);
        var pairs = new PairTable();
        foreach (var (left, right, field) in merges)
        {
            int rank = pairs.Count;
            pairs.Add(Id(left), Id(right), rank, Id(left + right));

            int Id(string text) => ByteAlphabet.Read(text) is { } bytes && map.Find(bytes) is var id and >= 0 ? id
                : throw new BadFileException(file, field, $"'{text}' is no token.");
        }

        return new TokenizerDefinition
        {
            Tokens = tokens,
            Kinds = kinds,
            Model = new BpeModel(map, tokens.Length, pairs, new Fallback(null, -1, false), isByteLevel: true, takesWholes: false),
            IsByteLevel = true,
            Added = [.. Enumerable.Range(0, tokens.Length).Where(id => kinds[id] is TokenKind.Control or TokenKind.UserDefined)
                .Select(id => new AddedToken(id, Encoding.UTF8.GetString(tokens[id]!), kinds[id] == TokenKind.Control))],
            PreTokenizer = ByteModel.Gpt2,
            Decoder = ByteModel.Decoder,
        };
    }

    private static TokenizerDefinition Define(JsonPart root, IEnumerable<(string, string, string)> merges, string mergesFile)
    {
        var list = new TokenList(root.File);
        foreach (var (text, id) in root.Properties)
            if (text == TiktokenEncoding.EndOfText) list.Add(id.Id, Encoding.UTF8.GetBytes(text), TokenKind.Control, id.Path);
            else list.Add(id.Id, ByteAlphabet.Read(text) ?? throw id.Bad("a character stands for no byte."), TokenKind.Normal, id.Path);
        return Define(list, merges, mergesFile);
    }

    private static List<(string, string, string)> Lines(byte[] merges, string file)
    {
        string text = Files.DecodeUtf8(merges) ?? throw new BadFileException(file, "merges", "it is not UTF-8 text.");
        var pairs = new List<(string, string, string)>();
        int number = 0;
        foreach (string line in text.Split('\n').Select(line => line.TrimEnd('\r')))
        {
            if (++number == 1 && line.StartsWith("#version", StringComparison.Ordinal)) continue;
            if (line.Length == 0) continue;
            string field = $"line {number}";
            pairs.Add(line.Split(' ') is [{ Length: > 0 } left, { Length: > 0 } right] ? (left, right, field)
                : throw new BadFileException(file, field, "two tokens with a space between them are needed here."));
        }

        return pairs;
    }
}
