using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace Mayfly;

/// <summary>What is done to a text before it is cut: the kinds of Hugging Face's <c>normalizer</c>, each by its type.</summary>
internal static class Normalizers
{
    private static readonly Dictionary<string, Func<JsonPart, Func<byte[], byte[]>>> Kinds = new()
    {
        ["Sequence"] = part => Sequence([.. part["normalizers"].Items.Select(Read)]),
        ["Prepend"] = part => Prepend(Encoding.UTF8.GetBytes(part["prepend"].Text)),
        ["Replace"] = Replace,
        ["Lowercase"] = _ => OnText(text => text.ToLowerInvariant()),
        ["Strip"] = part => Strip(part["strip_left"].Flag(true), part["strip_right"].Flag(true)),
        ["NFC"] = _ => OnText(text => Normalize(text, NormalizationForm.FormC)),
        ["NFD"] = _ => OnText(text => Normalize(text, NormalizationForm.FormD)),
        ["NFKC"] = _ => OnText(text => Normalize(text, NormalizationForm.FormKC)),
        ["NFKD"] = _ => OnText(text => Normalize(text, NormalizationForm.FormKD)),
        ["Precompiled"] = part => CharacterMap.Read(part).Apply,
    };

    /// <summary>Reads one; null is none.</summary>
    /// <exception cref="BadFileException">It is of another kind, or damaged.</exception>
    public static Func<byte[], byte[]> Read(JsonPart part) => part.IsNull ? Nothing
        : Kinds.TryGetValue(part.Type, out var read) ? read(part) : throw part.Unsupported(part.Type, Kinds.Keys);

    /// <summary>Reads one for text that goes on from other text: without what is put before a text.</summary>
    /// <exception cref="BadFileException">It is of another kind, or damaged.</exception>
    public static Func<byte[], byte[]> ReadNext(JsonPart part) => part.IsNull ? Nothing : part.Type switch
    {
        "Prepend" => Nothing,
        "Sequence" => Sequence([.. part["normalizers"].Items.Select(ReadNext)]),
        _ => Read(part),
    };

    private static byte[] Nothing(byte[] bytes) => bytes;

    private static Func<byte[], byte[]> Sequence(Func<byte[], byte[]>[] steps) =>
        bytes => steps.Aggregate(bytes, (done, step) => step(done));

    private static Func<byte[], byte[]> Prepend(byte[] prefix) => bytes => bytes.Length == 0 ? bytes : [.. prefix, .. bytes];

    private static Func<byte[], byte[]> Replace(JsonPart part)
    {
        string content = part["content"].Text;
        if (part["pattern"]["String"] is { IsNull: false } text)
            return ByteReplacer.Of(Encoding.UTF8.GetBytes(text.Text), Encoding.UTF8.GetBytes(content));
        var regex = Patterns.Read(part["pattern"]);
        return OnText(input => regex.Replace(input, _ => content));
    }

    private static Func<byte[], byte[]> Strip(bool left, bool right) => OnText(text => (left, right) switch
    {
        (true, true) => text.Trim(),
        (true, false) => text.TrimStart(),
        (false, true) => text.TrimEnd(),
        _ => text,
    });

    /// <summary>Changes what is text; bytes that are no UTF-8 stay between.</summary>
    private static Func<byte[], byte[]> OnText(Func<string, string> change) => bytes =>
    {
        if (Utf8.IsValid(bytes)) return Encoding.UTF8.GetBytes(change(Encoding.UTF8.GetString(bytes)));
        var result = new List<byte>(bytes.Length);
        for (int i = 0, length; i < bytes.Length; i += length)
        {
            length = ValidLength(bytes.AsSpan(i));
            result.AddRange(length > 0 ? Encoding.UTF8.GetBytes(change(Encoding.UTF8.GetString(bytes, i, length))) : [bytes[i]]);
            length = Math.Max(length, 1);
        }

        return [.. result];
    };

    private static int ValidLength(ReadOnlySpan<byte> bytes)
    {
        int length = 0;
        while (length < bytes.Length && Rune.DecodeFromUtf8(bytes[length..], out _, out int next) == System.Buffers.OperationStatus.Done)
            length += next;
        return length;
    }

    /// <summary>Without ICU .NET returns a text as it is, which may be wrong.</summary>
    private static string Normalize(string text, NormalizationForm form)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', '\u007f')) return text;
        if (CanNormalize) return text.Normalize(form);
        var other = form == NormalizationForm.FormC ? Composed.FirstOther(text) : text.EnumerateRunes().First(rune => !rune.IsAscii);
        return other is null ? text : throw new InputException(
            $"The tokenizer takes text in normal form {form.ToString()["Form".Length..]}, and '{other}' (U+{other.Value.Value:X4}) may not "
                + "be in it: without ICU, as this program runs, that cannot be told. Normalize the text first, or take another tokenizer.");
    }

    private static readonly bool CanNormalize = "e\u0301".Normalize(NormalizationForm.FormC).Length == 1;
}
