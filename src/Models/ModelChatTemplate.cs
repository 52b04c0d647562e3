using System.Text.Json;

namespace Mayfly;

/// <summary>The chat template that lies with a model, as text in Jinja's language; it is not run.</summary>
public static class ModelChatTemplate
{
    private const string Field = "chat_template";

    /// <summary>
    /// That of a GGUF file, or of <c>chat_template.jinja</c> or <c>tokenizer_config.json</c> in a folder; null where there is none.
    /// </summary>
    /// <exception cref="InputException">A file cannot be read.</exception>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public static string? Read(string path)
    {
        if (File.Exists(path)) return GgufReader.Fits(path) ? InGguf(path) : null;
        string own = Path.Combine(path, $"{Field}.jinja"), config = Path.Combine(path, "tokenizer_config.json");
        return File.Exists(own) ? TextFile.Read(own, TextFile.LongestJson) : File.Exists(config) ? InConfig(config) : null;
    }

    private static string? InConfig(string path) => BadFileException.Guard(path, Field, "it is not JSON", () =>
    {
        using var json = JsonDocument.Parse(TextFile.Read(path, TextFile.LongestJson));
        return json.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty(Field, out var template)
            && template.ValueKind == JsonValueKind.String ? template.GetString() : null;
    });

    private static string? InGguf(string path)
    {
        using var reader = GgufReader.Open(path);
        return reader.Fields.TryGetValue($"tokenizer.{Field}", out object? template) ? template as string : null;
    }
}
