using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TrainGpt;

/// <summary>
/// The settings of a run as JSON: an object whose names are those of the options without dashes, in a file or in a snapshot. A name that
/// begins with // is that of a note.
/// </summary>
internal static class ConfigurationFile
{
    private const string Note = "//", Field = "configuration";

    /// <summary>The most bytes of a configuration file.</summary>
    private const int Longest = 1 << 20;

    private const string Problem = "it is no JSON of settings";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private static readonly JsonDocumentOptions Strict = new() { CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true, AllowDuplicateProperties = false };

    /// <summary>All settings but those of phases before <paramref name="first"/>; null stands for none.</summary>
    public static JsonObject Write(TrainOptions options, Phase first) => new(
        from option in Declaration.Of<TrainOptions>()
        where option.Phase >= first
        select KeyValuePair.Create(option.Name, Node(option.Get(options))));

    /// <summary>The text of a configuration file.</summary>
    public static string Text(TrainOptions options)
    {
        var json = Write(options, Phase.Place);
        foreach (var (name, text) in OptimizerChoice.Describe(options).Concat(Circumstances(options))) json.Add($"{Note} {name}", text);
        return json.ToJsonString(Indented) + "\n";
    }

    /// <summary>The notes of a file that <see cref="Text"/> gave.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">It is no such file.</exception>
    public static IEnumerable<KeyValuePair<string, string>> Notes(string path) => Parse(path)
        .Where(setting => setting.Key.StartsWith(Note, StringComparison.Ordinal))
        .Select(note => KeyValuePair.Create(note.Key[Note.Length..].Trim(), $"{note.Value}"));

    /// <summary>What a run was besides its settings.</summary>
    private static IEnumerable<(string Name, string Text)> Circumstances(TrainOptions options)
    {
        yield return ("weights", SettingText.Write(ModelChoice.Config(options, options.Vocabulary ?? 1).CountParameters()));
        yield return ("version", typeof(Device).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);
        yield return ("machine", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, "
            + $"{Environment.ProcessorCount} cores, .NET {Environment.Version}");
    }

    /// <summary>What a file sets.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">It is no object of numbers, strings and truth values with the names of options.</exception>
    public static Given Read(string path) => Read(path, Parse(path));

    private static JsonObject Parse(string path) => BadFileException.Guard(path, Field, Problem, () =>
        JsonNode.Parse(TextFile.Read(path, Longest), null, Strict) as JsonObject ?? throw new JsonException("a JSON object is needed."));

    /// <summary>What an object of a file sets.</summary>
    /// <exception cref="BadFileException">A name or a value is impossible; the message names it.</exception>
    public static Given Read(string path, JsonObject json) => BadFileException.Guard(path, Field, Problem, () => new Given(
        [.. json.Where(setting => !setting.Key.StartsWith(Note, StringComparison.Ordinal)).Select(setting =>
            Read(path, setting.Key, setting.Value))]));

    private static (Declaration Option, object? Value) Read(string path, string name, JsonNode? node)
    {
        // snapshots of earlier versions have the names of properties
        var option = Declaration.Of<TrainOptions>().FirstOrDefault(known => known.Name == name || known.PropertyName == name);
        if (option is null or { PropertyName: nameof(TrainOptions.Config) })
            throw new BadFileException(path, name, "there is no such option; train --help lists them.");
        try
        {
            return (option, node is null && option.IsOpen ? null : option.Read([Word(node)]));
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            throw new BadFileException(path, name, e.Message.TrimStart(':', ' '), e);
        }
    }

    private static string Word(JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.String => node.GetValue<string>(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => node.ToJsonString(),
        _ => throw new FormatException($"{node?.ToJsonString() ?? "null"} is no number, string or truth value."),
    };

    private static JsonNode? Node(object? value) => SettingText.IsWord(value) ? SettingText.Write(value)
        : JsonSerializer.SerializeToNode(value);
}
