using System.Globalization;
using System.Text.Json;

namespace Mayfly;

/// <summary>A value of a JSON file that knows its path in it, for messages.</summary>
internal readonly record struct JsonPart(JsonElement Element, string File, string Path)
{
    /// <summary>Reads a whole file's JSON, and makes what is wrong with it an error of the file.</summary>
    public static T Read<T>(ReadOnlyMemory<byte> utf8, string file, Func<JsonPart, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8);
            return read(new JsonPart(document.RootElement, file, ""));
        }
        catch (JsonException e) // its message quotes what may be the rest of the file
        {
            throw new BadFileException(file, "JSON", $"it is no JSON from line {e.LineNumber + 1}, byte {e.BytePositionInLine} on.", e);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            throw new BadFileException(file, "JSON", $"it cannot be read: {e.Message}", e);
        }
    }

    /// <summary>True where it is missing or null.</summary>
    public bool IsNull => Element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;

    /// <summary>The <c>type</c> of an object.</summary>
    public string Type => this["type"].Text;

    /// <summary>A string.</summary>
    public string Text => Element.ValueKind == JsonValueKind.String ? Element.GetString()! : throw Bad("a string is needed here.");

    /// <summary>A whole number from 0 on.</summary>
    public int Id => Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int id) && id >= 0
        ? id
        : throw Bad("a whole number from 0 on is needed here.");

    /// <summary>A number.</summary>
    public double Number => Element.ValueKind == JsonValueKind.Number ? Element.GetDouble() : throw Bad("a number is needed here.");

    /// <summary>The items of an array; none where it is missing.</summary>
    public IEnumerable<JsonPart> Items
    {
        get
        {
            if (IsNull) return [];
            if (Element.ValueKind != JsonValueKind.Array) throw Bad("an array is needed here.");
            var (file, path) = (File, Path);
            return Element.EnumerateArray().Select((item, i) =>
                new JsonPart(item, file, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]")));
        }
    }

    /// <summary>An item of an array, which may be missing.</summary>
    public JsonPart this[int index] => new(
        Element.ValueKind == JsonValueKind.Array && index < Element.GetArrayLength() ? Element[index] : default,
        File, string.Create(CultureInfo.InvariantCulture, $"{Path}[{index}]"));

    /// <summary>The properties of an object.</summary>
    public IEnumerable<(string Name, JsonPart Value)> Properties
    {
        get
        {
            if (Element.ValueKind != JsonValueKind.Object) throw Bad("an object is needed here.");
            var (file, path) = (File, Path);
            return Element.EnumerateObject().Select(p => (p.Name, new JsonPart(p.Value, file, $"{path}[\"{p.Name}\"]")));
        }
    }

    /// <summary>A property, which may be missing.</summary>
    public JsonPart this[string name] => new(
        Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(name, out var value) ? value : default,
        File, Path.Length == 0 ? name : $"{Path}.{name}");

    /// <summary>A boolean, or another value where it is missing.</summary>
    public bool Flag(bool otherwise) => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Undefined or JsonValueKind.Null => otherwise,
        _ => throw Bad("true or false is needed here."),
    };

    /// <summary>An error of it.</summary>
    public BadFileException Bad(string problem) => new(File, Path.Length == 0 ? "JSON" : Path, problem);

    /// <summary>An error: nothing here knows what it asks for.</summary>
    public BadFileException Unsupported(string what, IEnumerable<string> known) =>
        Bad($"'{what}' is not supported; known are {string.Join(", ", known.Order(StringComparer.Ordinal))}.");
}
