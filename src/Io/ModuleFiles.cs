namespace Mayfly;

/// <summary>The weights of any module in a safetensors file of their own, without an optimizer or a configuration.</summary>
public static class ModuleFiles
{
    /// <summary>
    /// Writes all parameters under their names, with checksums; the file is replaced at once when it is whole. A run that goes on later is
    /// a <see cref="Snapshot"/>.
    /// </summary>
    /// <param name="module">Whose parameters.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">It cannot be written.</exception>
    /// <exception cref="NonFiniteException">A weight has an infinity or NaN; the message names it.</exception>
    public static void Save(this Module module, string path)
    {
        var writer = new SafeTensorsWriter { HasChecksums = true, MustBeFinite = true };
        foreach (var parameter in module.Parameters()) writer.Add(parameter.Name, parameter.Value);
        writer.Save(path);
    }

    /// <summary>
    /// Reads parameters from a safetensors file, of <see cref="Save"/> or of another program. All are checked before the first is changed.
    /// </summary>
    /// <param name="module">Whose parameters.</param>
    /// <param name="path">The file.</param>
    /// <param name="strict">
    /// Requires each parameter to be in the file and each tensor of the file to be a parameter; otherwise what they do not share is left.
    /// </param>
    /// <param name="map">The name in the file of a parameter's name; null for the same name.</param>
    /// <returns>The names of the parameters that were not read; none where it is strict.</returns>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">
    /// It is damaged, a tensor has another shape or type, or, where it is strict, one of either side is missing on the other.
    /// </exception>
    public static IReadOnlyList<string> Load(this Module module, string path, bool strict = true, Func<string, string>? map = null)
    {
        using var reader = SafeTensorsReader.Open(path);
        if (reader.HasChecksums) reader.Verify();
        var all = module.Parameters().Select(parameter => (Parameter: parameter, Stored: map?.Invoke(parameter.Name) ?? parameter.Name));
        var found = all.Where(pair => strict || reader.Entries.ContainsKey(pair.Stored)).ToList();
        foreach (var (parameter, stored) in found) reader.Check(stored, parameter.Shape, parameter.Value.Type);
        if (strict) CheckUsed(reader, [.. found.Select(pair => pair.Stored)]);
        foreach (var (parameter, stored) in found) reader.ReadInto(stored, parameter.Value);
        return [.. module.Parameters().Except(found.Select(pair => pair.Parameter)).Select(parameter => parameter.Name)];
    }

    private static void CheckUsed(SafeTensorsReader reader, HashSet<string> used)
    {
        string[] left = [.. reader.Entries.Keys.Where(name => !used.Contains(name))];
        if (left.Length > 0) throw new BadFileException(
            reader.Path, left[0], $"the model has no such parameter ({left.Length} such); pass strict: false to leave them.");
    }
}
