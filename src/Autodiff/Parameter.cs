namespace Mayfly;

/// <summary>What a parameter is in its model; optimizers are routed by it.</summary>
public enum Role
{
    /// <summary>A table of vectors looked up by id.</summary>
    Embedding,

    /// <summary>A weight matrix between hidden layers.</summary>
    Hidden,

    /// <summary>The matrix that yields the output scores.</summary>
    Head,

    /// <summary>A vector that scales (the gain of a norm).</summary>
    Gain,

    /// <summary>A vector that shifts.</summary>
    Bias,
}

/// <summary>A trainable tensor with a name and a role. Ops read <see cref="Value"/>; optimizers change it in place.</summary>
public sealed class Parameter : IDisposable, IMaker
{
    private Tensor value;
    private IReadOnlyList<long> rowBlocks = [];

    /// <summary>A parameter that starts as a copy of <paramref name="value"/> in weight memory and belongs to no scope.</summary>
    /// <param name="name">The full name, as in <c>blocks.0.attention.qkv.weight</c>.</param>
    /// <param name="value">The initial value; it is copied and stays the caller's to dispose.</param>
    /// <param name="role">What it is for.</param>
    public Parameter(string name, Tensor value, Role role)
    {
        Name = name;
        Role = role;
        this.value = Tensor.Unowned(value.Device, value.Shape, value.Type, Use.Weight, name);
        this.value.Device.Backend.Copy(value.Read(name), this.value.Write(name));
        this.value.Maker = this;
    }

    /// <summary>A parameter in weight memory whose elements are yet to be written, as by <see cref="Tensor.CopyFrom{T}"/>.</summary>
    /// <param name="name">The full name.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="role">What it is for.</param>
    /// <param name="device">Where it lives.</param>
    /// <param name="type">
    /// The type of its elements: the device's floating-point type, which is the default, or one that is storage only. Ops and rules compute
    /// in floats all the same.
    /// </param>
    public Parameter(string name, Shape shape, Role role, Device device, DType? type = null)
    {
        Name = name;
        Role = role;
        value = Tensor.Unowned(device, shape, type ?? device.Float, Use.Weight, name);
        value.Maker = this;
    }

    /// <summary>The name; a module that adopts the parameter puts its own name in front.</summary>
    public string Name { get; set; }

    /// <summary>Its number in the model, set by the optimizer's route; the key of random projections.</summary>
    public int Index { get; set; } = -1;

    /// <summary>What it is for.</summary>
    public Role Role { get; }

    /// <summary>
    /// The rows of each matrix where several lie fused in this one, top to bottom, as queries, keys and values; empty for a single matrix.
    /// Rules that treat a matrix as a whole treat each by itself.
    /// </summary>
    /// <exception cref="ArgumentException">They do not add up to the rows.</exception>
    public IReadOnlyList<long> RowBlocks
    {
        get => rowBlocks;
        set => rowBlocks = value.Count == 0 || (value.All(rows => rows > 0) && value.Sum() == Shape[0])
            ? value
            : throw new ArgumentException(
                $"{this}: row blocks of {string.Join(", ", value)} rows; they are positive and add up to {Shape[0]}.");
    }

    /// <summary>The rows of one attention head where heads lie along the rows, one below the other; 0 where there are none.</summary>
    /// <exception cref="ArgumentException">It does not divide the rows, or a row block of them.</exception>
    public long HeadRows
    {
        get;
        set => field = value == 0 || (value > 0 && RowBlocks.DefaultIfEmpty(Shape[0]).All(rows => rows % value == 0))
            ? value
            : throw new ArgumentException($"{this}: heads of {value} rows; they divide its rows, and each of its row blocks.");
    }

    /// <summary>False for a frozen parameter: no gradient, no hook.</summary>
    public bool Trainable { get; set; } = true;

    /// <summary>The shape.</summary>
    public Shape Shape => value.Shape;

    /// <summary>
    /// What <see cref="Value"/> gives instead, or null: while a rule steps master weights, those. Of the same shape, and the caller's to
    /// dispose.
    /// </summary>
    public Tensor? StandIn { get; set; }

    /// <summary>The current value.</summary>
    /// <exception cref="InvalidOperationException">
    /// A gradient hook reads another parameter in mid-sweep, where values are half old, half new.
    /// </exception>
    public Tensor Value
    {
        get
        {
            if (Sweep.Firing is { } firing && firing != this)
                throw new InvalidOperationException(
                    $"The gradient hook of {firing.Name} reads {Name} in mid-sweep: some weights are already stepped, others not. "
                    + "Read other weights before Backward or after it.");
            return StandIn ?? value;
        }
    }

    /// <summary>Moves the value to another device, in its floating-point type unless it is storage only.</summary>
    /// <param name="device">Where it shall live.</param>
    public void MoveTo(Device device)
    {
        if (device == value.Device) return;
        var old = value;
        value = Tensor.Unowned(device, old.Shape, old.Type.IsStored() ? old.Type : device.Float, Use.Weight, Name);
        value.Maker = this;
        if (old.Type == DType.F64) value.CopyFrom<double>(old.ToArray<double>());
        else value.CopyFrom<float>(old.ToArray());
        old.Dispose();
    }

    /// <summary>Name, shape and role.</summary>
    public override string ToString() => $"{Name} {Shape} {Role}";

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => value.Dispose();
}
