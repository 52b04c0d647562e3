namespace Mayfly;

/// <summary>
/// An n-dimensional array on a device. A tensor belongs to the innermost <see cref="Scope"/> of its thread and is freed with it unless it
/// is returned, kept or saved by a tape; without a scope its maker disposes it, or the garbage collector finds it. Views share their
/// memory. Differentiable ops are extension methods.
/// </summary>
public sealed partial class Tensor : IDisposable
{
    private readonly Storage storage;
    private readonly SharedLayout layout;
    private Freed? gone;

    private Tensor(Storage storage, DType type, SharedLayout layout, Scope? owner)
    {
        this.storage = storage;
        this.layout = layout;
        Type = type;
        Owner = owner;
        owner?.Add(this);
    }

    /// <summary>The extents.</summary>
    public Shape Shape => Layout.Shape;

    /// <summary>The element type.</summary>
    public DType Type { get; }

    /// <summary>The device.</summary>
    public Device Device => storage.Device;

    /// <summary>The number of elements.</summary>
    public long Count => Layout.Count;

    /// <summary>The number of axes.</summary>
    public int Rank => Layout.Shape.Rank;

    /// <summary>True once the memory was given back.</summary>
    public bool IsFreed => gone is not null;

    /// <summary>Extents, strides and offset.</summary>
    public ref readonly Layout Layout => ref layout.Value;

    /// <summary>The scope that frees it, or null.</summary>
    internal Scope? Owner { get; private set; }

    /// <summary>What made it, as the autodiff layer sees it: a tape, a parameter, or null.</summary>
    internal IMaker? Maker { get; set; }

    /// <summary>Its number on the tape that made it.</summary>
    internal int Slot { get; set; } = -1;

    internal Storage Storage => storage;

    /// <summary>The bytes of its elements.</summary>
    public long Bytes => Type.Bytes(Count);

    /// <summary>
    /// The key of the random numbers by which writes round to a type that is storage only (<see cref="DTypes.IsStored"/>): each write
    /// takes the key's next stream. Null, as at first, rounds to nearest. Views of the same memory share it.
    /// </summary>
    public RandomKey? Rounding
    {
        get => storage.Rounding;
        set => storage.Rounding = value;
    }

    /// <summary>Takes the tensor out of its scope: the caller disposes it.</summary>
    public Tensor Keep()
    {
        Check("Keep");
        Owner = null;
        return this;
    }

    /// <summary>Gives the memory back, once no view or tape holds it any more.</summary>
    public void Dispose()
    {
        if (gone is null) Free(Freed.ByHand);
    }

    /// <summary>
    /// Makes an uninitialised tensor in the innermost scope: work space or a result, of which every element will be written.
    /// </summary>
    /// <param name="device">Where it lives.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="type">The type of its elements.</param>
    /// <param name="use">What the arena counts it as.</param>
    /// <param name="op">What makes it, for messages.</param>
    public static Tensor Empty(Device device, Shape shape, DType type, Use use, string op)
    {
        var scope = Scope.Innermost(device);
        var tensor = Make(device, shape, type, use, op, scope);
        if (scope is null) tensor.storage.Loosen();
        return tensor;
    }

    /// <summary>Makes an uninitialised tensor that no scope owns: its maker disposes it. Otherwise as <see cref="Empty"/>.</summary>
    public static Tensor Unowned(Device device, Shape shape, DType type, Use use, string op) => Make(device, shape, type, use, op, null);

    /// <summary>Another tensor on the same memory, in the innermost scope. No tape records it.</summary>
    /// <param name="layout">Where its elements lie in the memory of this one; it must not leave it.</param>
    /// <param name="op">What asks, for messages.</param>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    public Tensor ViewAs(in Layout layout, string op) => ViewAs(new SharedLayout(layout), op);

    /// <summary>Another tensor on the same elements, in the innermost scope.</summary>
    internal Tensor ViewAs(string op) => ViewAs(layout, op);

    /// <summary>Another tensor on the same memory that no scope owns.</summary>
    internal Tensor UnownedView(in Layout layout) => UnownedView(new SharedLayout(layout));

    /// <summary>Another tensor on the same elements that no scope owns.</summary>
    internal Tensor UnownedView() => UnownedView(layout);

    /// <summary>As <see cref="UnownedView()"/>, also of a freed tensor; null where the memory was given back.</summary>
    internal Tensor? TryView() => storage.TryAddHolder() ? new Tensor(storage, Type, layout, null) : null;

    /// <summary>What a kernel is handed for reading: for the forward and backward of an op.</summary>
    /// <param name="op">The name of the op that reads.</param>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    public View Read(string op)
    {
        Check(op);
        if (storage.IsLoose) InUse.Add(storage);
        return new View(storage.ForReading, Type, Layout);
    }

    /// <summary>
    /// What a kernel is handed for writing. Counts as an in-place change: a record that saved the old values refuses to use them.
    /// </summary>
    /// <param name="op">The name of the op that writes.</param>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    /// <exception cref="NotSupportedException">Elements of <see cref="DType.Int8"/> that are only a part of their groups.</exception>
    public View Write(string op)
    {
        Check(op);
        if (Type == DType.Int8) CheckWholeGroups(op);
        storage.Version++;
        if (storage.IsLoose) InUse.Add(storage);
        var view = new View(storage.ForWriting, Type, Layout);
        return storage.Rounding is { } key ? view with { Rounding = storage.NextRounding(key) } : view;
    }

    /// <summary>An element of a group with a scale cannot be written without the others.</summary>
    private void CheckWholeGroups(string op)
    {
        long first = Layout.Offset, end = first + Count, left = end % DTypes.GroupSize;
        if (Layout.IsContiguous && first % DTypes.GroupSize == 0 && (left == 0 || Type.Bytes(end) == storage.Bytes)) return;
        throw new NotSupportedException(
            $"{op}: writes {Shape} from element {first} on of a tensor of {Type}, where {DTypes.GroupSize} elements share a scale: "
            + "write whole groups, or store the tensor in BF16.");
    }

    internal void MoveTo(Scope? scope)
    {
        Owner = scope;
        if (scope is null) storage.Loosen();
        else scope.Add(this);
    }

    internal void Free(Freed how)
    {
        if (gone is not null) return;
        gone = how;
        Owner = null;
        storage.RemoveHolder();
    }

    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    internal void Check(string op)
    {
        if (gone is not null) throw new ObjectDisposedException(nameof(Tensor), Describe(op));
    }

    private string Describe(string op) =>
        $"{op}: the tensor {Shape} made by {storage.Op} was {gone}; return it from its scope, Keep() it, or use it earlier.";

    private Tensor ViewAs(SharedLayout layout, string op)
    {
        Check(op);
        storage.AddHolder();
        return new Tensor(storage, Type, layout, Scope.Innermost(Device));
    }

    private Tensor UnownedView(SharedLayout layout)
    {
        storage.AddHolder();
        return new Tensor(storage, Type, layout, null);
    }

    private static Tensor Make(Device device, Shape shape, DType type, Use use, string op, Scope? owner)
    {
        long bytes;
        try
        {
            bytes = type.Bytes(shape.Count);
        }
        catch (OverflowException)
        {
            throw new ArgumentException($"{op}: a tensor of shape {shape} has more bytes than 64 bits can count.");
        }

        if (bytes < 0) throw new ArgumentException($"{op}: shape {shape} has a negative size.");
        return new Tensor(new Storage(device, bytes, use, op), type, SharedLayout.RowMajor(shape), owner);
    }
}

/// <summary>What the autodiff layer says of a tensor's origin: a tape that recorded it, or the parameter whose value it is.</summary>
internal interface IMaker;

/// <summary>How tensors were freed: by a scope of that name, or by hand.</summary>
/// <param name="Scope">The scope's name; null where it was disposed.</param>
internal sealed record Freed(string? Scope)
{
    public static Freed ByHand { get; } = new((string?)null);

    public override string ToString() => Scope is null ? "disposed" : $"freed when scope '{Scope}' closed";
}
