using System.Text;

namespace Mayfly;

/// <summary>How tokens become text: the kinds of Hugging Face's <c>decoder</c>, each by its type.</summary>
internal sealed class Decoders
{
    private static readonly Dictionary<string, Action<Decoders, JsonPart>> Kinds = new()
    {
        ["Sequence"] = (decoder, part) => decoder.AddAll(part["decoders"].Items),
        ["ByteLevel"] = (_, _) => { }, // tokens are bytes here
        ["ByteFallback"] = (decoder, _) => decoder.HasBytes = true,
        ["Fuse"] = (decoder, _) => decoder.isFused = true,
        ["Replace"] = (decoder, part) => decoder.AddReplace(part),
        ["Strip"] = (decoder, part) => decoder.AddStrip(part),
        ["Metaspace"] = (decoder, part) => decoder.AddMetaspace(part),
    };

    private readonly List<Func<byte[], byte[]>> steps = [];
    private bool isFused;

    /// <summary>True where <c>&lt;0x0A&gt;</c> is a byte.</summary>
    public bool HasBytes { get; private set; }

    /// <summary>The most spaces that are dropped at a text's begin.</summary>
    public int Stripped { get; private set; }

    /// <summary>True where a space is between tokens.</summary>
    public bool Joins { get; private init; }

    /// <summary>Reads them; without a decoder tokens of characters have spaces between them.</summary>
    /// <exception cref="BadFileException">One is of another kind, or damaged.</exception>
    public static Decoders Read(JsonPart part, bool isByteLevel)
    {
        var decoder = new Decoders { Joins = part.IsNull && !isByteLevel };
        if (!part.IsNull) decoder.AddAll([part]);
        return decoder;
    }

    /// <summary>True where bytes are what tokens are made of.</summary>
    public static bool IsByteLevel(JsonPart part) => !part.IsNull && (part.Type == "ByteLevel" || part["decoders"].Items.Any(IsByteLevel));

    /// <summary>The text of a token that is not a byte.</summary>
    public byte[] Decode(byte[] token) => steps.Aggregate(token, (text, step) => step(text));

    private void AddAll(IEnumerable<JsonPart> parts)
    {
        foreach (var part in parts)
            if (Kinds.TryGetValue(part.Type, out var add)) add(this, part);
            else throw part.Unsupported(part.Type, Kinds.Keys);
    }

    private void AddReplace(JsonPart part)
    {
        if (part["pattern"]["String"] is not { IsNull: false } text) throw part["pattern"].Bad("a pattern in a decoder is not supported.");
        steps.Add(ByteReplacer.Of(Encoding.UTF8.GetBytes(text.Text), Encoding.UTF8.GetBytes(part["content"].Text)));
    }

    private void AddStrip(JsonPart part)
    {
        if (part["content"].Text != " " || part["stop"].Id != 0 || !isFused)
            throw part.Bad("only spaces at a text's begin, after Fuse, can be stripped.");
        Stripped += part["start"].Id;
    }

    private void AddMetaspace(JsonPart part)
    {
        steps.Add(ByteReplacer.Of(Metaspace.MarkOf(part), " "u8.ToArray()));
        if (Metaspace.Prepends(part)) Stripped++;
    }
}
