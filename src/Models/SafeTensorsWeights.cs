namespace Mayfly;

/// <summary>The tensors of one safetensors file, or of several that an index names.</summary>
internal sealed class SafeTensorsWeights : IWeights
{
    /// <summary>The names of the files: the only one, and what names several.</summary>
    public const string Single = "model.safetensors", Index = "model.safetensors.index.json";

    private const string MapField = "weight_map";
    private readonly List<SafeTensorsReader> files = [];
    private readonly Dictionary<string, SafeTensorsReader> places = new(StringComparer.Ordinal);

    private SafeTensorsWeights()
    {
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names => places.Keys;

    /// <summary>True where a folder has such files.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, Single)) || File.Exists(Path.Combine(folder, Index));

    /// <summary>Opens the files of a folder.</summary>
    /// <exception cref="BadFileException">One is missing or damaged, or lacks what the index says.</exception>
    public static SafeTensorsWeights Open(string folder)
    {
        var weights = new SafeTensorsWeights();
        try
        {
            string index = Path.Combine(folder, Index);
            if (File.Exists(index)) weights.OpenAll(folder, index);
            else weights.AddAll(Path.Combine(folder, Single));
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string FileOf(string name) => places[name].Path;

    /// <inheritdoc/>
    public long[]? Sizes(string name) => places.TryGetValue(name, out var file) ? [.. file.Entry(name).Sizes] : null;

    /// <inheritdoc/>
    public void Read(string name, long start, Span<float> values) => places[name].Read(places[name].Entry(name), start, values);

    /// <inheritdoc/>
    public void Dispose() => files.ForEach(file => file.Dispose());

    private void AddAll(string path)
    {
        var file = SafeTensorsReader.Open(path);
        files.Add(file);
        foreach (string name in file.Entries.Keys) places.Add(name, file);
    }

    private void OpenAll(string folder, string index) => JsonPart.Read(Files.ReadBytes(index), index, root =>
    {
        foreach (var (name, part) in root[MapField].Properties) Add(folder, name, part);
        return 0;
    });

    private void Add(string folder, string name, JsonPart part)
    {
        if (part.Text != Path.GetFileName(part.Text)) throw part.Bad($"'{part.Text}' is no name of a file in the folder.");
        string path = Path.Combine(folder, part.Text);
        var file = files.Find(file => file.Path == path);
        if (file is null) files.Add(file = SafeTensorsReader.Open(path));
        if (!file.Entries.ContainsKey(name)) throw part.Bad($"{path} has no such tensor.");
        if (!places.TryAdd(name, file)) throw part.Bad("the tensor is there twice.");
    }
}
