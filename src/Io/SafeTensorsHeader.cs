using System.Text.Json;

namespace Mayfly;

/// <summary>Parses and checks a safetensors header. Everything that is wrong with one is a <see cref="BadFileException"/>.</summary>
internal sealed class SafeTensorsHeader
{
    private readonly string file;
    private readonly Dictionary<string, SafeTensorEntry> entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);

    private SafeTensorsHeader(string file) => this.file = file;

    public IReadOnlyDictionary<string, SafeTensorEntry> Entries => entries;

    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Parses the JSON of a header in front of <paramref name="dataBytes"/> bytes of tensors.</summary>
    public static SafeTensorsHeader Parse(string file, ReadOnlyMemory<byte> json, long dataBytes)
    {
        var header = new SafeTensorsHeader(file);
        try
        {
            // strings are decoded on access, where bad UTF-8 would be another kind of exception
            if (!System.Text.Unicode.Utf8.IsValid(json.Span)) throw header.Bad("header", "it is not UTF-8.");
            using var document = JsonDocument.Parse(json);
            header.ReadRoot(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new BadFileException(file, "header", $"it is not the JSON of a safetensors file: {e.Message}", e);
        }

        header.CheckTiling(dataBytes);
        return header;
    }

    private BadFileException Bad(string field, string problem) => new(file, field, problem);

    private void ReadRoot(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) throw Bad("header", $"a JSON object is needed, not {root.ValueKind}.");
        bool hasMetadata = false;
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name != SafeTensors.MetadataName)
            {
                if (!entries.TryAdd(property.Name, ReadEntry(property.Name, property.Value)))
                    throw Bad(property.Name, "the name appears twice.");
                continue;
            }

            if (hasMetadata) throw Bad(SafeTensors.MetadataName, "it appears twice.");
            hasMetadata = true;
            ReadMetadata(property.Value);
        }
    }

    private void ReadMetadata(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) throw Bad(SafeTensors.MetadataName, "an object of strings is needed.");
        foreach (var property in element.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
                throw Bad(SafeTensors.MetadataName, $"'{property.Name}' is not a string.");
            if (!metadata.TryAdd(property.Name, property.Value.GetString()!))
                throw Bad(SafeTensors.MetadataName, $"'{property.Name}' appears twice.");
        }
    }

    private SafeTensorEntry ReadEntry(string name, JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) throw Bad(name, "an object with dtype, shape and data_offsets is needed.");
        JsonElement? type = null, shape = null, offsets = null;
        foreach (var property in element.EnumerateObject())
        {
            if (property.Name == "dtype") Set(ref type);
            else if (property.Name == "shape") Set(ref shape);
            else if (property.Name == "data_offsets") Set(ref offsets);

            void Set(ref JsonElement? field)
            {
                if (field is not null) throw Bad(name, $"{property.Name} appears twice.");
                field = property.Value;
            }
        }

        var span = Integers(name, "data_offsets", offsets);
        if (span.Length != 2) throw Bad(name, $"data_offsets needs a begin and an end, not {span.Length} numbers.");
        return Checked(new SafeTensorEntry(name, TypeName(name, type), Integers(name, "shape", shape), span[0], span[1]));
    }

    private string TypeName(string name, JsonElement? element)
    {
        if (element is not { ValueKind: JsonValueKind.String } text) throw Bad(name, "dtype is missing or not a string.");
        string type = text.GetString()!;
        return SafeTensors.SizeOf(type) > 0 ? type
            : throw Bad(name, $"dtype '{type}' is unknown; F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL are known.");
    }

    private long[] Integers(string name, string field, JsonElement? element)
    {
        if (element is not { ValueKind: JsonValueKind.Array } array) throw Bad(name, $"{field} is missing or not an array.");
        var values = new long[array.GetArrayLength()];
        int i = 0;
        foreach (var item in array.EnumerateArray())
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out values[i]) || values[i++] < 0)
                throw Bad(name, $"{field} holds {item.GetRawText()}; whole numbers of at least 0 are needed.");
        return values;
    }

    private SafeTensorEntry Checked(SafeTensorEntry entry)
    {
        long bytes = SafeTensors.SizeOf(entry.Type);
        try
        {
            foreach (long size in entry.Sizes) bytes = checked(bytes * size);
        }
        catch (OverflowException)
        {
            throw Bad(entry.Name, $"shape {entry.SizeText} has more bytes than 64 bits can count.");
        }

        if (entry.End < entry.Begin) throw Bad(entry.Name, $"data_offsets [{entry.Begin}, {entry.End}] run backwards.");
        return entry.End - entry.Begin == bytes
            ? entry
            : throw Bad(entry.Name, $"data_offsets [{entry.Begin}, {entry.End}] hold {entry.End - entry.Begin} bytes, "
                + $"{entry.Type} {entry.SizeText} needs {bytes}.");
    }

    /// <summary>The tensors must tile the data: no overlap, no hole, nothing past the end, nothing left over.</summary>
    private void CheckTiling(long dataBytes)
    {
        long end = 0;
        foreach (var entry in entries.Values.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.End > dataBytes)
                throw Bad(entry.Name, $"it ends at byte {entry.End} of the data, the file holds {dataBytes}; it was cut short?");
            if (entry.Begin < end)
                throw Bad(entry.Name, $"it begins at byte {entry.Begin} of the data and overlaps the tensor that ends at {end}.");
            if (entry.Begin > end) throw Bad(entry.Name, $"it begins at byte {entry.Begin} of the data and leaves a hole after {end}.");
            end = entry.End;
        }

        if (end != dataBytes) throw Bad("data", $"the tensors take {end} bytes, the file holds {dataBytes} after its header.");
    }
}
