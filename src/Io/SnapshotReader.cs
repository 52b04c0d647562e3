using System.Numerics;

namespace Mayfly;

/// <summary>
/// The tensors of a snapshot, be it one file or several that one names; its metadata are those of that one. Each tensor is read from the
/// file that has it.
/// </summary>
internal sealed class SnapshotReader : IDisposable
{
    private const int Attempts = 5;
    private readonly SafeTensorsReader first;
    private readonly List<SafeTensorsReader> parts = [];
    private readonly Dictionary<string, SafeTensorsReader> places = new(StringComparer.Ordinal);

    private SnapshotReader(SafeTensorsReader first) => this.first = first;

    /// <summary>The snapshot's own file.</summary>
    public string Path => first.Path;

    /// <summary>What it says beside tensors.</summary>
    public IReadOnlyDictionary<string, string> Metadata => first.Metadata;

    /// <summary>All tensors.</summary>
    public IEnumerable<SafeTensorEntry> Entries => places.Select(place => place.Value.Entries[place.Key]);

    /// <summary>The names of all tensors.</summary>
    public IReadOnlyCollection<string> Names => places.Keys;

    /// <summary>True where a writer put checksums in.</summary>
    public bool HasChecksums => first.HasChecksums;

    /// <summary>Opens a snapshot and checks the headers of its files.</summary>
    /// <exception cref="InputException">A file cannot be read.</exception>
    /// <exception cref="BadFileException">One is damaged, or not the one that is named.</exception>
    public static SnapshotReader Open(string path)
    {
        for (int attempt = 1; ; attempt++)
        {
            var reader = new SnapshotReader(SafeTensorsReader.Open(path));
            try
            {
                reader.OpenParts();
                return reader;
            }
            catch (InputException) when (attempt < Attempts && reader.IsReplaced())
            {
                reader.Dispose(); // the run that saved it goes on, and another one has its name
            }
            catch
            {
                reader.Dispose();
                throw;
            }
        }
    }

    /// <summary>Compares what one of several processes has to look at with its checksums, all of it where there is one.</summary>
    /// <exception cref="BadFileException">A bit is another one, or there are no checksums.</exception>
    public void Verify(int rank = 0, int ranks = 1)
    {
        if (rank == 0 || parts.Count > 0) first.Verify();
        for (int i = rank; i < parts.Count; i += ranks) parts[i].Verify();
    }

    /// <summary>The file that has a tensor; the snapshot's own where none has.</summary>
    public SafeTensorsReader FileOf(string name) => places.GetValueOrDefault(name, first);

    /// <inheritdoc cref="SafeTensorsReader.Check"/>
    public void Check(string name, Shape shape, DType type) => FileOf(name).Check(name, shape, type);

    /// <inheritdoc cref="SafeTensorsReader.ReadInto"/>
    public void ReadInto(string name, Tensor tensor) => FileOf(name).ReadInto(name, tensor);

    /// <inheritdoc cref="SafeTensorsReader.Read{T}(string)"/>
    public T[] Read<T>(string name) where T : unmanaged, INumber<T> => FileOf(name).Read<T>(name);

    /// <inheritdoc/>
    public void Dispose()
    {
        first.Dispose();
        parts.ForEach(part => part.Dispose());
    }

    private void OpenParts()
    {
        var named = SnapshotParts.Of(first);
        if (named.Length > 0) first.Verify(); // before it is believed
        Add(first);
        foreach (var part in named)
        {
            var file = SafeTensorsReader.Open(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path) ?? "", part.File));
            parts.Add(file);
            if (Checksums.Said(file.Metadata) != part.Sum)
                throw new BadFileException(file.Path, "header", $"its checksum is not the one that {Path} names; the file is damaged.");
            Add(file);
        }
    }

    private void Add(SafeTensorsReader file)
    {
        foreach (string name in file.Entries.Keys)
            if (!places.TryAdd(name, file))
                throw new BadFileException(file.Path, name, $"{places[name].Path} has it too; the snapshot is damaged.");
    }

    private bool IsReplaced()
    {
        using var now = SafeTensorsReader.Open(Path);
        return Checksums.Said(now.Metadata) != Checksums.Said(first.Metadata);
    }
}
