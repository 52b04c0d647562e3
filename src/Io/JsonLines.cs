using System.Text.Json;

namespace Mayfly;

/// <summary>
/// Reads <c>.jsonl</c> files: a JSON object a line. It is a document by its text field, a prompt with its completion (fields <c>prompt</c>
/// and <c>completion</c>) or a chat (<c>messages</c>, each with <c>role</c> and <c>content</c>). Other fields and blank lines are passed
/// over.
/// </summary>
public static class JsonLines
{
    /// <summary>The most bytes of a line: 64 MiB.</summary>
    public const int LongestLine = 64 << 20;

    /// <summary>The field of a document's text, unless another one is named.</summary>
    public const string TextField = "text";

    private const string PromptField = "prompt", CompletionField = "completion", MessagesField = "messages", RoleField = "role",
        ContentField = "content";

    /// <summary>The documents of a file, read line by line.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">A line is no such object, or longer than <see cref="LongestLine"/>; the message names
    /// it.</exception>
    public static IEnumerable<string> ReadTexts(string path)
    {
        using var stream = Files.OpenRead(path);
        foreach (var (json, line) in Lines(path, stream)) yield return Parse(path, line, json, root => Text(root, TextField)
            ?? throw new FormatException($"an object with a string \"{TextField}\" is needed."));
    }

    /// <summary>The documents of a stream as parts, read line by line; empty ones are left out.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="stream">It, read to its end.</param>
    /// <param name="textField">The field of a document's text.</param>
    /// <param name="template">How a chat is written.</param>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">A line is no such object, or longer than <see cref="LongestLine"/>; the message names line and
    /// field.</exception>
    public static IEnumerable<DocumentPart> Read(string path, Stream stream, string textField, ChatTemplate template)
    {
        foreach (var (json, line) in Lines(path, stream))
            foreach (var part in Parse(path, line, json, root => Parts(root, textField, template))) yield return part;
    }

    private static IEnumerable<(ReadOnlyMemory<byte> Json, string Line)> Lines(string path, Stream stream)
    {
        var lines = new LineReader(path, stream, LongestLine);
        while (lines.Next() is { } json)
            if (!json.Span.Trim(" \t\r"u8).IsEmpty) yield return (json, lines.Name);
    }

    private static T Parse<T>(string path, string line, ReadOnlyMemory<byte> json, Func<JsonElement, T> read)
    {
        if (Encodings.Problem(json.Span) is { } problem) throw new BadFileException(path, line, problem);
        return BadFileException.Guard(path, line, "it is not JSON", () =>
        {
            using var document = JsonDocument.Parse(json);
            try
            {
                return document.RootElement.ValueKind == JsonValueKind.Object ? read(document.RootElement)
                    : throw new FormatException("a JSON object is needed.");
            }
            catch (Exception e) when (e is FormatException or InputException)
            {
                throw new BadFileException(path, line, e.Message, e);
            }
        });
    }

    private static DocumentPart[] Parts(JsonElement root, string textField, ChatTemplate template)
    {
        if (Text(root, textField) is { } text) return text.Length > 0 ? [DocumentPart.Of(text) with { EndsDocument = true }] : [];
        if (root.TryGetProperty(MessagesField, out var messages)) return [.. template.Write(Messages(messages))];
        if (Text(root, PromptField) is { } prompt && Text(root, CompletionField) is { } completion)
            return [.. ChatTemplate.Complete(prompt, completion)];
        throw new FormatException($"an object with a string \"{textField}\", with \"{PromptField}\" and \"{CompletionField}\", or with "
            + $"\"{MessagesField}\" is needed.");
    }

    private static List<ChatMessage> Messages(JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array) throw new FormatException($"{MessagesField}: an array is needed.");
        var all = new List<ChatMessage>();
        foreach (var message in messages.EnumerateArray()) all.Add(new ChatMessage(Field(RoleField), Field(ContentField)));
        return all;

        string Field(string name) => messages[all.Count] is { ValueKind: JsonValueKind.Object } message && Text(message, name) is { } text
            ? text
            : throw new FormatException($"{MessagesField}[{all.Count}].{name}: a string is needed.");
    }

    private static string? Text(JsonElement root, string field) =>
        root.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
