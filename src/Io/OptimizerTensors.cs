namespace Mayfly;

/// <summary>
/// Optimizer state inside a snapshot: <c>state/PARAMETER/NAME</c> for tensors, <c>number/PARAMETER/NAME</c> for numbers, which are stored
/// as F64 so that they come back to the bit. <c>updater/NAME</c> are the updater's own tensors and numbers.
/// </summary>
internal static class OptimizerTensors
{
    /// <summary>The metadata that says a file holds optimizer state; its value lists the rules.</summary>
    public const string Field = "optimizer";

    private const string StatePrefix = "state/", NumberPrefix = "number/", UpdaterPrefix = "updater/";

    private static readonly string[] Prefixes = [StatePrefix, NumberPrefix, UpdaterPrefix];

    public static bool Owns(string name) => Array.Exists(Prefixes, p => name.StartsWith(p, StringComparison.Ordinal));

    public static void Add(SafeTensorsWriter writer, Updater updater)
    {
        foreach (var (name, tensor) in Tensors(updater)) writer.Add(name, tensor);
        foreach (var (name, state, key) in Numbers(updater)) writer.Add<double>(name, new[] { state.Number(key) }, new Shape());
        OptimizerSettings.Add(writer, updater);
        writer.Metadata[Field] = string.Join("; ", updater.Assignments.Select(a => a.Rule.ToString()).Distinct());
    }

    /// <summary>Checks that the file holds what this updater remembers, no less and no more.</summary>
    public static void Check(SnapshotReader reader, Updater updater)
    {
        if (!reader.Metadata.ContainsKey(Field))
            throw new BadFileException(reader.Path, Field, "the snapshot holds weights only; training cannot go on from it.");
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, tensor) in Tensors(updater))
        {
            reader.Check(name, tensor.Shape, tensor.Type);
            known.Add(name);
        }

        foreach (var (name, _, _) in Numbers(updater))
        {
            reader.Check(name, new Shape(), DType.F64);
            known.Add(name);
        }

        if (reader.Names.FirstOrDefault(name => Owns(name) && !known.Contains(name)) is { } other)
            throw new BadFileException(reader.Path, other,
                $"the optimizer has no such state; the file was saved with {reader.Metadata[Field]}.");
        OptimizerSettings.Check(reader, updater);
    }

    /// <summary>Overwrites states and numbers, once settings and weights are.</summary>
    public static void Restore(SnapshotReader reader, Updater updater)
    {
        foreach (var (name, tensor) in Tensors(updater)) reader.ReadInto(name, tensor);
        foreach (var (name, state, key) in Numbers(updater).ToList()) state.Number(key) = reader.Read<double>(name)[0];
    }

    private static IEnumerable<(Parameter Parameter, RuleState State)> States(Updater updater) =>
        updater.Assignments.Select(a => a.Parameter).Zip(updater.States);

    private static IEnumerable<(string Name, Tensor Value)> Tensors(Updater updater) =>
        States(updater).SelectMany(s => s.State.Tensors.Select(t => ($"{StatePrefix}{s.Parameter.Name}/{t.Name}", t.Value)))
            .Concat(updater.State.Tensors.Select(t => ($"{UpdaterPrefix}{t.Name}", t.Value)));

    private static IEnumerable<(string Name, RuleState State, string Key)> Numbers(Updater updater) =>
        States(updater).SelectMany(s => s.State.Numbers.Select(n => ($"{NumberPrefix}{s.Parameter.Name}/{n.Name}", s.State, n.Name)))
            .Concat(updater.State.Numbers.Select(n => ($"{UpdaterPrefix}{n.Name}", updater.State, n.Name)));
}
