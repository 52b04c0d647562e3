using System.Text.Json;

namespace Mayfly;

/// <summary>
/// Reads <c>.jsonl</c> files: a JSON object a line, whose field <c>text</c> is a document. Other fields and blank lines are passed over.
/// </summary>
public static class JsonLines
{
    /// <summary>The most bytes of a line: 64 MiB.</summary>
    public const int LongestLine = 64 << 20;

    private const string TextField = "text";

    /// <summary>The documents of a file, read line by line.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">A line is no such object, or longer than <see cref="LongestLine"/>; the message names
    /// it.</exception>
    public static IEnumerable<string> ReadTexts(string path)
    {
        using var stream = Files.OpenRead(path);
        var lines = new LineReader(path, stream, LongestLine);
        while (lines.Next() is { } json)
            if (!json.Span.Trim(" \t\r"u8).IsEmpty) yield return Text(path, lines.Name, json);
    }

    private static string Text(string path, string line, ReadOnlyMemory<byte> json)
    {
        if (Encodings.Problem(json.Span) is { } problem) throw new BadFileException(path, line, problem);
        return BadFileException.Guard(path, line, "it is not JSON", () =>
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty(TextField, out var text)
                && text.ValueKind == JsonValueKind.String
                ? text.GetString()!
                : throw new BadFileException(path, line, $"an object with a string \"{TextField}\" is needed.");
        });
    }
}
