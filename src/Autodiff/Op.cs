using System.Diagnostics.CodeAnalysis;

namespace Mayfly;

/// <summary>
/// One call of an op: checks that its inputs are alive and on one device, says whether a tape wants a record, and pushes it. Every
/// differentiable op starts with <c>var call = Op.Begin(...)</c> naming ALL tensors it reads, and ends with
/// <c>call.Records ? call.Push(y, node) : y</c>.
/// </summary>
public readonly ref struct Op
{
    private readonly ReadOnlySpan<Tensor> inputs;
    private readonly Tape? tape;

    private Op(string name, ReadOnlySpan<Tensor> inputs, Tape? tape, bool records)
    {
        Name = name;
        this.inputs = inputs;
        this.tape = tape;
        Records = records;
    }

    /// <summary>The op's name.</summary>
    public string Name { get; }

    /// <summary>True where an input needs a gradient and a tape records.</summary>
    public bool Records { get; }

    /// <summary>The device of the inputs.</summary>
    public Device Device => inputs[0].Device;

    /// <summary>The kernels of that device.</summary>
    public Backend Backend => inputs[0].Device.Backend;

    /// <summary>Starts a call that reads <paramref name="inputs"/>.</summary>
    /// <exception cref="ObjectDisposedException">An input was freed.</exception>
    /// <exception cref="ArgumentException">The inputs are on several devices.</exception>
    /// <exception cref="InvalidOperationException">
    /// An input was recorded elsewhere: by another tape, or outside the checkpointed segment that reads it.
    /// </exception>
    public static Op Begin(string name, [UnscopedRef] params ReadOnlySpan<Tensor> inputs)
    {
        foreach (var x in inputs)
        {
            x.Check(name);
            if (x.Device != inputs[0].Device)
                throw new ArgumentException($"{name}: inputs on two devices, {inputs[0].Device.Name} and {x.Device.Name}; copy one over.");
        }

        InUse.Clear();
        inputs[0].Device.Pager?.Settle();
        var tape = Tape.Current;
        if (inputs[0].Device.Arena.Trace is { } trace) trace.At(Tape.PhaseOf(tape), name, Scope.Innermost(inputs[0].Device)?.Name);
        return new Op(name, inputs, tape, tape is not null && tape.Reads(name, inputs));
    }

    /// <summary>An uninitialised result in the innermost scope, in the device's floating-point type unless given.</summary>
    public Tensor New(Shape shape, DType? type = null) => Tensor.Empty(Device, shape, type ?? Device.Float, Use.Activation, Name);

    /// <summary>True where an input needs a gradient and a tape records.</summary>
    internal bool NeedsGradient(Tensor x) => Records && new Input(x.Slot, x.Maker as Parameter).NeedsGradient;

    /// <summary>An uninitialised tensor for the gradient of an input, counted as one where the input is a parameter's.</summary>
    internal Tensor NewGradient(Tensor x) => x.Maker is Parameter parameter
        ? Tensor.Empty(Device, x.Shape, Device.Float, Use.Gradient, parameter.Name)
        : New(x.Shape);

    /// <summary>The type of a copy: of elements that are storage only the device's floating-point type.</summary>
    internal DType CopyType(Tensor x) => x.Type.IsStored() ? Device.Float : x.Type;

    /// <summary>Work space that is freed when disposed (use <c>using</c>).</summary>
    public Tensor Scratch(Shape shape, DType? type = null) => Tensor.Unowned(Device, shape, type ?? Device.Float, Use.Scratch, Name);

    /// <summary>What a kernel is handed for reading; an absent view for null.</summary>
    public View Read(Tensor? x) => x?.Read(Name) ?? default;

    /// <summary>What a kernel is handed for writing.</summary>
    public View Write(Tensor y) => y.Write(Name);

    /// <summary>
    /// The tensor itself where its elements lie dense in row-major order, else a copy in the innermost scope, in floats if its type is
    /// storage only: for kernels that take no strides.
    /// </summary>
    [return: NotNullIfNotNull(nameof(x))]
    public Tensor? Dense(Tensor? x)
    {
        if (x is null || x.Layout.IsContiguous) return x;
        var y = Tensor.Empty(Device, x.Shape, CopyType(x), Use.Scratch, Name);
        Backend.Copy(Read(x), Write(y));
        return y;
    }

    /// <summary>Holds a tensor for the record that this call is about to push. The tape frees it.</summary>
    /// <exception cref="InvalidOperationException">No tape records this call.</exception>
    public Saved Save(Tensor tensor) => Records
        ? tape!.Save(tensor)
        : throw new InvalidOperationException($"{Name}: saves a tensor that no tape asked for; save only where call.Records.");

    /// <summary>Records the call: <paramref name="y"/> gets a place on the tape and <paramref name="node"/> will be swept.</summary>
    /// <returns><paramref name="y"/>.</returns>
    public Tensor Push(Tensor y, Node node)
    {
        node.Attach(Name, Input.Of(inputs));
        tape!.Push(node, y);
        return y;
    }

    /// <summary>The key of the next random sequence: (seed, step, micro-batch, ordinal of this call).</summary>
    /// <exception cref="InvalidOperationException">No tape is recording.</exception>
    public RandomKey NextKey() => tape?.NextKey() ?? throw new InvalidOperationException(
        $"{Name}: random ops are keyed by their tape and none is recording; call Eval() on the model or record a tape.");

    /// <summary>An error that names the op.</summary>
    public ArgumentException Error(string message) => new($"{Name}: {message}");

    /// <summary>Requires floating-point tensors of the device's type.</summary>
    /// <exception cref="ArgumentException">Another type.</exception>
    public void CheckFloat(params ReadOnlySpan<Tensor> tensors)
    {
        foreach (var x in tensors)
            if (x.Type != Device.Float) throw WrongType(x);
    }

    /// <summary>
    /// Requires floating-point tensors of the device's type or of one that is storage only, whose elements the kernel converts as it reads
    /// them.
    /// </summary>
    /// <exception cref="ArgumentException">Another type.</exception>
    public void CheckNumbers(params ReadOnlySpan<Tensor> tensors)
    {
        foreach (var x in tensors)
            if (x.Type != Device.Float && !x.Type.IsStored()) throw WrongType(x);
    }

    private ArgumentException WrongType(Tensor x) => Error($"a tensor {x.Shape} of {x.Type}; {Device.Name} computes in {Device.Float}."
        + (x.Type.IsStored() ? " This op takes no type that is storage only: convert it by ToFloat() first." : ""));
}

/// <summary>Where the gradient of an input goes: a place on the tape, or a parameter, or nowhere.</summary>
internal readonly record struct Input(int Slot, Parameter? Parameter)
{
    public bool NeedsGradient => Slot >= 0 || Parameter is { Trainable: true };

    public static Input[] Of(ReadOnlySpan<Tensor> tensors)
    {
        var all = new Input[tensors.Length];
        for (int i = 0; i < all.Length; i++) all[i] = new Input(tensors[i].Slot, tensors[i].Maker as Parameter);
        return all;
    }
}
