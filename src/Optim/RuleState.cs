using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// What a rule remembers of one parameter: named tensors of any shape, named numbers, and the parts of a chain's rules. Snapshots save
/// and restore all of it by name.
/// </summary>
public sealed class RuleState : IDisposable
{
    private readonly List<(string Name, Tensor Value)> tensors = [];
    private readonly List<string> numberNames = [];
    private readonly List<KeptNumber> numbers = [];
    private readonly List<RuleState> parts = [];
    private readonly DType matrices;

    /// <summary>An empty state for tensors on <paramref name="device"/>.</summary>
    /// <param name="device">The device.</param>
    /// <param name="matrices">The type of matrices where a rule asks for none; F32 means the device's floating-point type.</param>
    public RuleState(Device device, DType matrices = DType.F32) => (Device, this.matrices) = (device, matrices);

    /// <summary>The device of its tensors.</summary>
    public Device Device { get; }

    /// <summary>The bytes of all tensors, which the arena counts as state. Numbers are not device memory.</summary>
    public long Bytes => tensors.Sum(t => t.Value.Bytes) + parts.Sum(p => p.Bytes);

    /// <summary>The states of a chain's rules.</summary>
    public IReadOnlyList<RuleState> Parts => parts;

    /// <summary>
    /// All tensors; those of part i have <c>i.</c> before their name. Restore one by <see cref="Mayfly.Tensor.CopyFrom{T}"/>.
    /// </summary>
    public IEnumerable<(string Name, Tensor Value)> Tensors =>
        tensors.Concat(parts.SelectMany((p, i) => p.Tensors.Select(t => ($"{i}.{t.Name}", t.Value))));

    /// <summary>All numbers, named like tensors.</summary>
    public IEnumerable<(string Name, double Value)> Numbers =>
        numberNames.Zip(numbers.Select(n => n.Value)).Concat(parts.SelectMany((p, i) => p.Numbers.Select(n => ($"{i}.{n.Name}", n.Value))));

    /// <summary>The number of tensors, those of the parts included.</summary>
    internal int TensorCount => tensors.Count + parts.Sum(p => p.TensorCount);

    /// <summary>Tensor number <paramref name="i"/> of <see cref="Tensors"/>.</summary>
    internal Tensor TensorAt(int i)
    {
        if (i < tensors.Count) return tensors[i].Value;
        i -= tensors.Count;
        foreach (var part in parts)
        {
            if (i < part.TensorCount) return part.TensorAt(i);
            i -= part.TensorCount;
        }

        throw new ArgumentOutOfRangeException(nameof(i));
    }

    /// <summary>
    /// Adds a tensor of zeros, unless given a type in the device's floating-point type or, where it has two axes or more, in that of
    /// <see cref="UpdaterOptions.StateType"/>.
    /// </summary>
    public Tensor AddTensor(string name, Shape shape, DType? type = null)
    {
        var tensor = Mayfly.Tensor.Unowned(Device, shape, type ?? TypeOf(shape), Use.State, name);
        tensors.Add((name, tensor));
        tensor.Fill(0);
        return tensor;
    }

    private DType TypeOf(Shape shape) => matrices.IsStored() && shape.Rank > 1 ? matrices : Device.Float;

    /// <summary>Adds a number.</summary>
    public void AddNumber(string name, double value)
    {
        numberNames.Add(name);
        numbers.Add(new KeptNumber(value));
    }

    /// <summary>Adds the state of a chain's next rule.</summary>
    public RuleState AddPart()
    {
        var part = new RuleState(Device, matrices);
        parts.Add(part);
        return part;
    }

    /// <summary>A tensor of this state.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public Tensor Tensor(string name)
    {
        foreach (var tensor in CollectionsMarshal.AsSpan(tensors))
            if (tensor.Name == name) return tensor.Value;
        throw new KeyNotFoundException($"This optimizer state has no tensor '{name}'; it has {List(tensors.Select(t => t.Name))}.");
    }

    /// <summary>
    /// A number of this state, to read and to change; of a part with <c>i.</c> before its name. Waits where a device has it.
    /// </summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public ref double Number(string name) => ref Kept(name).Value;

    /// <summary>A number of this state for <see cref="Backend.Compute{TOp}"/>, which changes it on the device.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public KeptNumber Kept(string name)
    {
        int at = numberNames.IndexOf(name), dot = name.IndexOf('.', StringComparison.Ordinal);
        if (at >= 0) return numbers[at];
        if (dot > 0 && int.TryParse(name.AsSpan(0, dot), out int part) && part < parts.Count)
            return parts[part].Kept(name[(dot + 1)..]);
        throw new KeyNotFoundException($"This optimizer state has no number '{name}'; it has {List(numberNames)}.");
    }

    /// <summary>True where another state has tensors and numbers of the same names, shapes and types.</summary>
    public bool Fits(RuleState other) => Outline().SequenceEqual(other.Outline());

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (var tensor in tensors) tensor.Value.Dispose();
        foreach (var number in numbers) number.Dispose();
        foreach (var part in parts) part.Dispose();
    }

    private IEnumerable<(string Name, Shape Shape, DType? Type)> Outline() =>
        Tensors.Select(t => (t.Name, t.Value.Shape, (DType?)t.Value.Type))
            .Concat(Numbers.Select(n => (n.Name, default(Shape), (DType?)null)));

    private static string List(IEnumerable<string> names) => string.Join(", ", names.DefaultIfEmpty("none"));
}
