using System.Text.Json;
using System.Text.Json.Nodes;

namespace TrainGpt;

/// <summary>A run's settings as JSON: an object whose names are those of the options without dashes.</summary>
internal static class ConfigurationFile
{
    /// <summary>Where a run is and whether it goes on are no part of what it computes.</summary>
    private static readonly string[] NotOfTheRun = ["out", "resume"];

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The JSON of settings; those without a value, which stand for a default that depends on others, are left out.</summary>
    public static string Write(IEnumerable<(string Name, object? Value)> settings)
    {
        var json = new JsonObject();
        foreach (var (name, value) in settings)
            if (value is not null && !NotOfTheRun.Contains(name)) json[name] = JsonSerializer.SerializeToNode(value, value.GetType());
        return json.ToJsonString(Indented) + "\n";
    }

    /// <summary>The command line that says the same as a file.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">It is no object of numbers, strings and truth values with the names of options.</exception>
    public static string[] Read(string path, string[] names)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new BadFileException(path, "configuration", "a JSON object is needed.");
            return [.. document.RootElement.EnumerateObject().Select(setting => Word(path, setting, names))];
        }
        catch (JsonException e)
        {
            throw new BadFileException(path, "configuration", $"it is not JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"Cannot read '{path}': {e.Message}", e);
        }
    }

    private static string Word(string path, JsonProperty setting, string[] names)
    {
        if (!names.Contains(setting.Name)) throw new BadFileException(path, setting.Name, "there is no such option; train --help lists them.");
        return setting.Value.ValueKind switch
        {
            JsonValueKind.String => $"--{setting.Name}={setting.Value.GetString()}",
            JsonValueKind.Number => $"--{setting.Name}={setting.Value.GetRawText()}",
            JsonValueKind.True => $"--{setting.Name}=true",
            JsonValueKind.False => $"--{setting.Name}=false",
            _ => throw new BadFileException(path, setting.Name, $"{setting.Value.GetRawText()} is no number, string or truth value."),
        };
    }
}
