namespace Mayfly;

/// <summary>
/// A record on the tape: what one op's backward needs, and the backward itself. What was saved for it is the tape's to free: after the
/// record's backward, or when the tape is dropped.
/// </summary>
public abstract class Node
{
    /// <summary>The op's name.</summary>
    public string Name { get; private set; } = "";

    /// <summary>True where <see cref="Backward"/> copes with an upstream gradient of any strides; otherwise it gets a dense one.</summary>
    protected internal virtual bool TakesAnyStrides => false;

    /// <summary>
    /// True where <see cref="Remake"/> computes the record's result from what it saved, for little next to what keeping it would take: a
    /// pass over its elements. Records that save the result then hold no memory for it. What it computes it from must be
    /// <see cref="Saved.IsHeld"/>: a chain of results made from each other would be run again as a whole.
    /// </summary>
    protected internal virtual bool CanRemake => false;

    /// <summary>True for a record that fetches the gradients of its results itself.</summary>
    internal virtual bool TakesUpstreamItself => false;

    internal Input[] Inputs { get; private set; } = [];

    /// <summary>The parameter by which messages say where the record stands, if it reads one.</summary>
    internal Parameter? FirstParameter => Array.Find(Inputs, input => input.Parameter is not null).Parameter;

    /// <summary>The first of the record's values on the tape.</summary>
    internal int FirstSlot { get; set; }

    internal int SlotCount { get; set; } = 1;

    /// <summary>
    /// Where the tensors saved for the record begin among those of the tape; they end where those of the next record begin.
    /// </summary>
    internal int FirstSaved { get; set; }

    /// <summary>Tells the tape which parameters the record reads.</summary>
    internal virtual void NoteReads(Tape tape)
    {
        foreach (var input in Inputs)
            if (input.Parameter is { } parameter) tape.NoteRead(parameter);
    }

    /// <summary>Turns the upstream gradient <see cref="Sweep.Dy"/> into gradients of the inputs that need one.</summary>
    protected internal abstract void Backward(Sweep sweep);

    /// <summary>Computes the record's result again, every bit of it, from what was saved; only where <see cref="CanRemake"/>.</summary>
    /// <param name="y">Dense, in the result's shape; uninitialised.</param>
    protected internal virtual void Remake(Tensor y) => throw new NotSupportedException($"{Name}: its result cannot be made again.");

    /// <summary>A saved tensor.</summary>
    /// <exception cref="InvalidOperationException">None was saved, or it was changed in place after that.</exception>
    protected Tensor Get(in Saved saved) => saved.Get(Name);

    /// <summary>What a kernel is handed for reading a saved tensor.</summary>
    /// <exception cref="InvalidOperationException">None was saved, or it was changed in place after that.</exception>
    protected View Read(in Saved saved) => saved.Get(Name).Read(Name);

    /// <summary>What a kernel is handed for reading.</summary>
    protected View Read(Tensor x) => x.Read(Name);

    /// <summary>What a kernel is handed for writing.</summary>
    protected View Write(Tensor x) => x.Write(Name);

    /// <summary>What a kernel is handed for writing a gradient; an absent view for a target that was not asked for.</summary>
    protected View Write(in Target target) => target.Value?.Write(Name) ?? default;

    internal void Attach(string name, Input[] inputs)
    {
        Name = name;
        Inputs = inputs;
    }
}
