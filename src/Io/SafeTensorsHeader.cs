using System.Text.Json;

namespace Mayfly;

/// <summary>
/// Parses and checks a safetensors header as the reference library does. Everything that is wrong with one is a
/// <see cref="BadFileException"/>. The JSON is read as a stream: what it takes is a small multiple of its length, whatever is in it.
/// </summary>
internal sealed class SafeTensorsHeader
{
    private const string Field = "header";
    private readonly string file;
    private readonly Dictionary<string, SafeTensorEntry> entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);
    private bool hasMetadata;

    private SafeTensorsHeader(string file) => this.file = file;

    public IReadOnlyDictionary<string, SafeTensorEntry> Entries => entries;

    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Parses the JSON of a header in front of <paramref name="dataBytes"/> bytes of tensors.</summary>
    public static SafeTensorsHeader Parse(string file, ReadOnlyMemory<byte> json, long dataBytes)
    {
        var header = new SafeTensorsHeader(file);
        return BadFileException.Guard(file, Field, "it is not the JSON of a safetensors file", () =>
        {
            header.Read(json.Span);
            header.CheckTiling(dataBytes);
            return header;
        });
    }

    private BadFileException Bad(string field, string problem) => new(file, field, problem);

    private void Read(ReadOnlySpan<byte> json)
    {
        // strings are decoded on access, where bad UTF-8 would be said less well
        if (!System.Text.Unicode.Utf8.IsValid(json)) throw Bad(Field, "it is not UTF-8.");
        if (json is [not (byte)'{', ..]) throw Bad(Field, "it is no JSON object: its first byte must be '{'. Is it a safetensors file?");
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (NextProperty(ref reader) is { } name)
        {
            if (name == SafeTensors.MetadataName) ReadMetadata(ref reader);
            else if (!entries.TryAdd(name, ReadEntry(name, ref reader))) throw Bad(name, "the name appears twice.");
        }

        while (reader.Read()) { } // nothing but white space follows
    }

    /// <summary>The name of the next property of an object, whose value is the next token; null at the object's end.</summary>
    private static string? NextProperty(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.EndObject) return null;
        string name = reader.GetString()!;
        reader.Read();
        return name;
    }

    /// <summary>Free strings, or null for none.</summary>
    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (hasMetadata) throw Bad(SafeTensors.MetadataName, "it appears twice.");
        hasMetadata = true;
        if (reader.TokenType == JsonTokenType.Null) return;
        if (reader.TokenType != JsonTokenType.StartObject) throw Bad(SafeTensors.MetadataName, "an object of strings is needed.");
        while (NextProperty(ref reader) is { } name)
        {
            if (reader.TokenType != JsonTokenType.String) throw Bad(SafeTensors.MetadataName, $"'{name}' is not a string.");
            if (!metadata.TryAdd(name, reader.GetString()!)) throw Bad(SafeTensors.MetadataName, $"'{name}' appears twice.");
        }
    }

    private SafeTensorEntry ReadEntry(string name, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Bad(name, "an object with dtype, shape and data_offsets is needed.");
        string? type = null;
        long[]? shape = null, offsets = null;
        while (NextProperty(ref reader) is { } field)
        {
            object? before = field switch { "dtype" => type, "shape" => shape, "data_offsets" => offsets, _ => null };
            if (before is not null) throw Bad(name, $"{field} appears twice.");
            if (field == "dtype") type = TypeName(name, ref reader);
            else if (field == "shape") shape = Integers(name, field, ref reader);
            else if (field == "data_offsets") offsets = Integers(name, field, ref reader);
            else reader.Skip();
        }

        if (offsets is not ({ Length: 2 } or null)) throw Bad(name,
            $"data_offsets needs a begin and an end, not {offsets.Length} numbers.");
        return type is not null && shape is not null && offsets is not null
            ? Checked(new SafeTensorEntry(name, type, shape, offsets[0], offsets[1]))
            : throw Bad(name, $"{(type is null ? "dtype" : shape is null ? "shape" : "data_offsets")} is missing.");
    }

    private string TypeName(string name, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String) throw Bad(name, "dtype is not a string.");
        string type = reader.GetString()!;
        return SafeTensors.Known(type)
            ?? throw Bad(name, $"dtype '{InputException.Short(type)}' is unknown; {SafeTensors.TypeNames} are known.");
    }

    private long[] Integers(string name, string field, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Bad(name, $"{field} is not an array.");
        var values = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            values.Add(reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value) && value >= 0 ? value
                : throw Bad(name, $"{field} holds {System.Text.Encoding.UTF8.GetString(reader.ValueSpan)}; "
                    + "whole numbers of at least 0 are needed."));
        return [.. values];
    }

    private SafeTensorEntry Checked(SafeTensorEntry entry)
    {
        long bits = SafeTensors.BitsOf(entry.Type);
        try
        {
            foreach (long size in entry.Sizes) bits = checked(bits * size);
        }
        catch (OverflowException)
        {
            throw Bad(entry.Name, $"shape {entry.SizeText} has more bytes than 64 bits can count.");
        }

        if (entry.End < entry.Begin) throw Bad(entry.Name, $"data_offsets [{entry.Begin}, {entry.End}] run backwards.");
        if (bits % 8 != 0) throw Bad(entry.Name, $"{entry.Type} {entry.SizeText} has {bits} bits, no whole number of bytes.");
        return entry.End - entry.Begin == bits / 8
            ? entry
            : throw Bad(entry.Name, $"data_offsets [{entry.Begin}, {entry.End}] hold {entry.End - entry.Begin} bytes, "
                + $"{entry.Type} {entry.SizeText} needs {bits / 8}.");
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

        if (end != dataBytes)
            throw Bad("data", $"the tensors take {end} bytes, the file holds {dataBytes} after its header; what follows is not of it.");
    }
}
