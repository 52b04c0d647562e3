using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Mayfly;

/// <summary>The kinds of models, and configurations as JSON: the fields of the kind's type after one more, <c>kind</c>.</summary>
[UnconditionalSuppressMessage("Trimming", "IL2026", Justification = Asked)]
[UnconditionalSuppressMessage("AOT", "IL3050", Justification = Asked)]
internal sealed class ModelKinds : JsonConverter<ModelConfig>
{
    private const string Field = "kind";
    private const string Asked = "Who serialises by reflection is warned there; ILLink.Descriptors.xml keeps the kinds of this assembly.";

    private static readonly Lock Gate = new();

    private static readonly List<(string Kind, ModelConfig Start)> Known =
    [
        ("gpt", new GptConfig { VocabularySize = 1 }),
        ("llama", new LlamaConfig { VocabularySize = 1 }),
    ];

    public static IReadOnlyList<string> Names
    {
        get
        {
            lock (Gate) return [.. Known.Select(k => k.Kind)];
        }
    }

    public static void Register(string kind, ModelConfig start)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(kind);
        lock (Gate)
        {
            int at = Known.FindIndex(k => k.Kind == kind || k.Start.GetType() == start.GetType());
            if (at < 0) Known.Add((kind, start));
            else if (Known[at].Kind == kind && Known[at].Start.GetType() == start.GetType()) Known[at] = (kind, start);
            else throw new ArgumentException(
                $"Register: '{kind}' for {start.GetType().Name}, but '{Known[at].Kind}' is the kind of {Known[at].Start.GetType().Name}; "
                + "give each type one name of its own.");
        }
    }

    public static ModelConfig? Find(string kind)
    {
        lock (Gate) return Known.Find(k => k.Kind == kind).Start;
    }

    public static string Unknown(string kind) =>
        $"there is no kind '{kind}' of models; known are {string.Join(", ", Names)}. "
        + $"Make it known by ModelConfig.Register(\"{kind}\", ...) first.";

    public override ModelConfig? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        if (JsonNode.Parse(ref reader) is not JsonObject fields || fields[Field] is not JsonValue name
            || !name.TryGetValue(out string? kind))
            throw new JsonException($"the model has no {Field}: an object with a text of that name is needed.");
        fields.Remove(Field);
        return (ModelConfig?)fields.Deserialize((Find(kind) ?? throw new JsonException(Unknown(kind))).GetType(), options);
    }

    public override void Write(Utf8JsonWriter writer, ModelConfig value, JsonSerializerOptions options)
    {
        var fields = JsonSerializer.SerializeToNode(value, value.GetType(), options)!.AsObject();
        fields.Insert(0, Field, KindOf(value.GetType()));
        fields.WriteTo(writer, options);
    }

    private static string KindOf(Type type)
    {
        lock (Gate)
        {
            return Known.Find(k => k.Start.GetType() == type).Kind
                ?? throw new JsonException(
                    $"{type.Name} has no kind; make it known by ModelConfig.Register(\"...\", ...) before it is saved.");
        }
    }
}
