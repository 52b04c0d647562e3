using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Mayfly;

/// <summary>A file with some tensors of a snapshot.</summary>
/// <param name="File">Its name, in the folder of the snapshot.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sum">The checksum of its header, in which are those of its tensors.</param>
internal sealed record SnapshotPart(string File, long Bytes, string Sum);

/// <summary>
/// Snapshots of several files. A part is named after what is in it, so that one is never written over by another; the snapshot's own file
/// has no tensors, names the parts, and gets its name when all of them are on the disk. What no snapshot of the folder names is deleted
/// after the next one: <c>snapshot.STEP.RANK-of-RANKS.SUM.safetensors</c>.
/// </summary>
internal static class SnapshotParts
{
    private const string Field = "parts", PartFormat = "mayfly snapshot part", Start = "snapshot.", End = ".safetensors";
    private static readonly Regex Name = new(@"^snapshot\.\d+\.\d+-of-\d+\.[0-9a-f]{8}\.safetensors$", RegexOptions.CultureInvariant);
    private static readonly JsonSerializerOptions Strict = new()
    {
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <summary>Writes the tensors that a rank has; returns when they are on the disk.</summary>
    /// <exception cref="InputException">The file cannot be written.</exception>
    /// <exception cref="NonFiniteException">A weight or a state has an infinity or NaN.</exception>
    public static SnapshotPart Write(string folder, SafeTensorsWriter writer, int rank, int ranks)
    {
        writer.Metadata[SnapshotVersion.FormatField] = PartFormat;
        byte[] header = writer.Header();
        string sum = Checksums.Said(header), step = writer.Metadata[Snapshot.StepField];
        string name = string.Create(CultureInfo.InvariantCulture, $"{Start}{step}.{rank}-of-{ranks}.{sum}{End}");
        long bytes = 0;
        Files.Replace(Path.Combine(folder, name), stream =>
        {
            writer.WriteTo(stream, header);
            bytes = stream.Length;
        });
        return new SnapshotPart(name, bytes, sum);
    }

    /// <summary>The snapshot's own file: it says what the metadata of the whole say, and names the parts.</summary>
    public static SafeTensorsWriter Manifest(IEnumerable<KeyValuePair<string, string>> metadata, IEnumerable<SnapshotPart> parts)
    {
        var writer = new SafeTensorsWriter { HasChecksums = true };
        foreach (var (name, value) in metadata)
            if (!Checksums.IsField(name)) writer.Metadata[name] = value;
        writer.Metadata[SnapshotVersion.FormatField] = SnapshotVersion.FormatOfParts;
        writer.Metadata[Field] = JsonSerializer.Serialize(parts);
        return writer;
    }

    /// <summary>The parts that a snapshot's own file names; empty where it is the only one.</summary>
    /// <exception cref="BadFileException">They cannot be read, or are names of something else.</exception>
    public static SnapshotPart[] Of(SafeTensorsReader file)
    {
        if (!file.Metadata.TryGetValue(Field, out string? json)) return [];
        return BadFileException.Guard(file.Path, Field, "they cannot be read", () =>
        {
            var parts = JsonSerializer.Deserialize<SnapshotPart[]>(json, Strict)!;
            return Array.Find(parts, part => !Name.IsMatch(part.File)) is not { } other ? parts
                : throw new BadFileException(file.Path, Field, $"'{InputException.Short(other.File)}' is no name of one.");
        });
    }

    /// <summary>The names of all parts in a folder.</summary>
    public static string[] In(string folder) => [.. Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder, $"{Start}*{End}").Select(file => Path.GetFileName(file)!).Where(name => Name.IsMatch(name))
        : []];

    /// <summary>Deletes the parts that no snapshot of the folder names, and what writers of parts left that are no longer alive.</summary>
    public static void Clear(string folder)
    {
        try
        {
            foreach (string part in Unfinished(folder)) Files.ClearPartials(Path.Combine(folder, part));
            string[] parts = In(folder);
            if (parts.Length == 0 || Named(folder) is not { } named) return;
            foreach (string part in parts.Except(named)) Files.Delete(Path.Combine(folder, part));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // the next one clears it
        }
    }

    /// <summary>The names that half-written parts would have got.</summary>
    private static IEnumerable<string> Unfinished(string folder) =>
        from file in Directory.GetFiles(folder, $"{Start}*{End}.*")
        let name = Path.GetFileName(file)
        let part = name[..(name.IndexOf($"{End}.", StringComparison.Ordinal) + End.Length)]
        where Name.IsMatch(part)
        select part;

    /// <summary>The parts that snapshots of the folder name; null where one of these cannot be read.</summary>
    private static HashSet<string>? Named(string folder)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in Snapshot.FileNames)
        {
            string file = Path.Combine(folder, name);
            if (!File.Exists(file)) continue;
            try
            {
                using var reader = SafeTensorsReader.Open(file);
                named.UnionWith(Of(reader).Select(part => part.File));
            }
            catch (InputException)
            {
                return null;
            }
        }

        return named;
    }
}
