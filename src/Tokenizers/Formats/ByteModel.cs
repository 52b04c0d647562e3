using System.Text.Json;

namespace Mayfly;

/// <summary>What byte-level encodings have in common.</summary>
internal static class ByteModel
{
    /// <summary>The decoder in JSON.</summary>
    public const string Decoder = """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""";

    /// <summary>GPT-2's pre-tokenizer in JSON.</summary>
    public const string Gpt2 = """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}""";

    /// <summary>A pre-tokenizer that cuts by a pattern, in JSON.</summary>
    public static string PreTokenizer(string pattern) => pattern == PreTokenizers.Gpt2Pattern ? Gpt2
        : $$"""
        {"type":"Sequence","pretokenizers":[
        {"type":"Split","pattern":{"Regex":{{JsonSerializer.Serialize(pattern)}}},"behavior":"Isolated","invert":false},
        {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}
        """;

    /// <summary>Merges by rank: two neighbours that are a token together become it, and its id is the rank.</summary>
    public static BpeModel OfRanks(byte[]?[] tokens, TokenKind[] kinds)
    {
        var map = Map(tokens, kinds);
        var pairs = new PairTable();
        for (int id = 0; id < tokens.Length; id++)
        {
            if (kinds[id] != TokenKind.Normal || tokens[id] is not { } token) continue;
            for (int i = 1; i < token.Length; i++)
                if (map.Find(token.AsSpan(0, i)) is var left and >= 0 && map.Find(token.AsSpan(i)) is var right and >= 0)
                    pairs.Add(left, right, id, id);
        }

        return new BpeModel(map, tokens.Length, pairs, new Fallback(null, -1, false), isByteLevel: true, takesWholes: true);
    }

    /// <summary>The tokens that text can become.</summary>
    public static BytesMap Map(byte[]?[] tokens, TokenKind[] kinds)
    {
        var map = new BytesMap();
        for (int id = 0; id < tokens.Length; id++)
            if (kinds[id] == TokenKind.Normal && tokens[id] is { } token) map.Add(token, id);
        return map;
    }
}
