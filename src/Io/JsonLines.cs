using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>
/// Reads <c>.jsonl</c> files: a JSON object a line, whose field <c>text</c> is a document. Other fields and blank lines are passed over.
/// </summary>
public static class JsonLines
{
    private const string TextField = "text";

    /// <summary>The documents of a file, read line by line.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">A line is no such object; the message names it.</exception>
    public static IEnumerable<string> ReadTexts(string path)
    {
        using var stream = Files.OpenRead(path);
        using var reader = new StreamReader(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));
        for (int line = 1; NextLine(path, line, reader) is { } json; line++)
            if (!string.IsNullOrWhiteSpace(json)) yield return Text(path, line, json);
    }

    private static string? NextLine(string path, int line, StreamReader reader)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (Exception e) when (e is IOException or DecoderFallbackException)
        {
            throw Bad(path, line, e is IOException ? e.Message : "it is not UTF-8 text; convert the file first.", e);
        }
    }

    private static string Text(string path, int line, string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty(TextField, out var text)
                && text.ValueKind == JsonValueKind.String
                ? text.GetString()!
                : throw Bad(path, line, $"an object with a string \"{TextField}\" is needed.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Bad(path, line, $"it is not JSON: {e.Message}", e);
        }
    }

    private static BadFileException Bad(string path, int line, string problem, Exception? cause = null) =>
        new(path, $"line {line}", problem, cause);
}
