namespace Mayfly;

/// <summary>A record on the tape: what one op's backward needs, and the backward itself.</summary>
public abstract class Node
{
    /// <summary>The op's name.</summary>
    public string Op { get; private set; } = "";

    /// <summary>True where <see cref="Backward"/> copes with an upstream gradient of any strides; otherwise it gets a dense one.</summary>
    protected internal virtual bool TakesAnyStrides => false;

    /// <summary>True for a record that fetches the gradients of its results itself.</summary>
    internal virtual bool TakesUpstreamItself => false;

    internal Input[] Inputs { get; private set; } = [];

    /// <summary>The first of the record's values on the tape.</summary>
    internal int FirstSlot { get; set; }

    internal int SlotCount { get; set; } = 1;

    /// <summary>Tells the tape which parameters the record reads.</summary>
    internal virtual void NoteReads(Tape tape)
    {
        foreach (var input in Inputs)
            if (input.Parameter is { } parameter) tape.NoteRead(parameter);
    }

    /// <summary>Turns the upstream gradient <see cref="Sweep.Dy"/> into gradients of the inputs that need one.</summary>
    protected internal abstract void Backward(Sweep sweep);

    /// <summary>Releases everything saved. Called exactly once, after backward or when the tape is dropped.</summary>
    protected internal abstract void Release();

    internal void Attach(string op, Input[] inputs)
    {
        Op = op;
        Inputs = inputs;
    }
}

/// <summary>A record whose backward needs nothing but the upstream gradient and a few numbers.</summary>
public abstract class StatelessNode : Node
{
    /// <inheritdoc/>
    protected internal override void Release()
    {
    }
}
