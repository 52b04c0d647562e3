namespace Mayfly;

/// <summary>Where a node writes the gradient of an input: the tensor, and whether to add to what is there or to overwrite.</summary>
/// <param name="Value">Dense, in the input's shape.</param>
/// <param name="Add">True: add; false: write every element.</param>
public readonly record struct Target(Tensor Value, bool Add);

/// <summary>
/// The backward sweep. For each record from the last to the first: hand it its upstream gradient, free that and what the record saved, then
/// fire the parameters whose first use it was.
/// </summary>
public sealed partial class Sweep
{
    [ThreadStatic] private static Parameter? firing;
    private readonly Tape tape;
    private readonly IGradientSink sink;
    private readonly HashSet<Parameter>? owned;
    private Node node = null!;
    private int index;
    private Tensor? dy;

    internal Sweep(Tape tape, IGradientSink sink, HashSet<Parameter>? owned)
    {
        this.tape = tape;
        this.sink = sink;
        this.owned = owned;
    }

    /// <summary>The parameter whose hook runs on this thread, or null.</summary>
    internal static Parameter? Firing => firing;

    /// <summary>Lets another parameter be stepped on this thread, one that the sweep is past.</summary>
    /// <returns>The one before.</returns>
    internal static Parameter? SwapFiring(Parameter? parameter)
    {
        var before = firing;
        firing = parameter;
        return before;
    }

    /// <summary>
    /// The upstream gradient of the record's result; dense unless the node takes any strides. Freed after the record's backward.
    /// </summary>
    public Tensor Dy => dy!;

    /// <summary>The kernels.</summary>
    public Backend Backend => tape.Device.Backend;

    internal IGradientSink Sink => sink;

    /// <summary>True where this sweep may fire the parameter: the outermost may fire any, an inner one those of its segment.</summary>
    internal bool Owns(Parameter parameter) => owned is null || owned.Contains(parameter);

    /// <summary>True where input <paramref name="i"/> needs a gradient.</summary>
    public bool Needs(int i) => node.Inputs[i].NeedsGradient;

    /// <summary>True where two inputs are the same tensor, so that their gradients go to one place, one after the other.</summary>
    public bool AreSame(int i, int j) => node.Inputs[i] == node.Inputs[j] && Needs(i);

    /// <summary>The place for the gradient of input <paramref name="i"/>. Write it before asking for the next target.</summary>
    public Target Target(int i)
    {
        var input = node.Inputs[i];
        return input.Parameter is { } parameter ? ForParameter(parameter) : ForSlot(input.Slot);
    }

    /// <summary>
    /// Like <see cref="Target"/>, but may hand out the upstream gradient's own memory, for element-wise kernels that can work in place.
    /// </summary>
    public Target TargetOverDy(int i)
    {
        int slot = node.Inputs[i].Slot;
        if (slot < 0 || tape.Gradients[slot] is not null) return Target(i);
        if (Dy.Storage.IsShared || Dy.Shape != tape.Slots[slot] || !Dy.Layout.IsContiguous) return Target(i);
        var alias = Dy.UnownedView();
        tape.Gradients[slot] = alias;
        return new Target(alias, false);
    }

    /// <summary>
    /// Adds a finished gradient: a view of <see cref="Dy"/> (reshaped, repeated, or as it is) or a tensor that nobody writes any more.
    /// Where no gradient is there yet, its memory is shared, not copied.
    /// </summary>
    public void GiveDy(int i, Tensor view)
    {
        int slot = node.Inputs[i].Slot;
        if (slot >= 0 && tape.Gradients[slot] is null)
        {
            tape.Gradients[slot] = view.UnownedView();
            return;
        }

        var target = Target(i);
        Backend.Copy(view.Read(node.Name), target.Value.Write(node.Name), target.Add);
    }

    /// <summary>
    /// Adds a finished gradient that only this record holds: where none is there yet its memory becomes the gradient, a parameter's too.
    /// </summary>
    internal void HandOver(int i, Tensor gradient)
    {
        if (node.Inputs[i].Parameter is { } parameter && !tape.Run.Gradients.ContainsKey(parameter) && sink.Accumulator(parameter) is null)
            tape.Run.Gradients[parameter] = new ParameterGradient(gradient.UnownedView(), FromSink: false);
        else GiveDy(i, gradient);
    }

    /// <summary>Work space that is freed after this record's backward when disposed by the node (use <c>using</c>).</summary>
    public Tensor Scratch(Shape shape, DType? type = null) =>
        Tensor.Unowned(tape.Device, shape, type ?? tape.Device.Float, Use.Scratch, node.Name);

    /// <summary>The parameters whose first use is the record being passed: final once it is.</summary>
    internal ReadOnlySpan<FirstUse> FirstUses() => tape.Books.UsesOf(index);

    internal void Go()
    {
        var recording = Tape.Swap(null);
        int paused = Tape.SwapPaused(0);
        try
        {
            tape.Books.SortUses();
            for (index = tape.Nodes.Count - 1; index >= 0; index--) Pass(tape.Nodes[index]);
        }
        finally
        {
            Tape.Swap(recording);
            Tape.SwapPaused(paused);
        }
    }

    private void Pass(Node next)
    {
        node = next;
        tape.Device.Arena.Trace?.At(StepPhase.Backward, node.Name, node.FirstParameter?.Name);
        try
        {
            if (HasUpstream())
            {
                TakeDy();
                using var held = node.TakesUpstreamItself ? default : tape.Device.Pager?.Hold() ?? default;
                node.Backward(this);
            }
        }
        finally
        {
            dy?.Dispose();
            dy = null;
            FreeUpstream();
            tape.Books.FreeSaved(node.FirstSaved);
        }

        foreach (var use in FirstUses())
            if (Owns(use.Parameter) && tape.Run.Fired.Add(use.Parameter)) Fire(use.Parameter);
    }

    private bool HasUpstream()
    {
        for (int s = 0; s < node.SlotCount; s++)
            if (tape.Gradients[node.FirstSlot + s] is not null) return true;
        return false;
    }

    /// <summary>
    /// The upstream gradient of result <paramref name="output"/> of a record with several results, or null; the caller frees it.
    /// </summary>
    internal Tensor? TakeUpstream(int output)
    {
        var gradient = tape.Gradients[node.FirstSlot + output];
        tape.Gradients[node.FirstSlot + output] = null;
        return gradient;
    }

    private void TakeDy()
    {
        if (node.TakesUpstreamItself) return;
        dy = TakeUpstream(0)!;
        if (node.TakesAnyStrides || dy.Layout.IsContiguous) return;
        using var strided = dy;
        dy = Tensor.Unowned(tape.Device, dy.Shape, dy.Type, Use.Activation, node.Name);
        Backend.Copy(strided.Read(node.Name), dy.Write(node.Name));
    }

    private void FreeUpstream()
    {
        for (int s = 0; s < node.SlotCount; s++) TakeUpstream(s)?.Dispose();
    }

    private Target ForParameter(Parameter parameter)
    {
        var gradients = tape.Run.Gradients;
        if (gradients.TryGetValue(parameter, out var known)) return new Target(known.Value, true);
        if (sink.Accumulator(parameter) is { } accumulator)
        {
            gradients[parameter] = new ParameterGradient(accumulator, FromSink: true);
            return new Target(accumulator, true);
        }

        var fresh = Tensor.Unowned(tape.Device, parameter.Shape, tape.Device.Float, Use.Gradient, parameter.Name);
        gradients[parameter] = new ParameterGradient(fresh, FromSink: false);
        return new Target(fresh, false);
    }

    private Target ForSlot(int slot)
    {
        var there = tape.Gradients[slot];
        if (there is not null && !there.Storage.IsShared && there.Layout.IsContiguous) return new Target(there, true);
        var fresh = Tensor.Unowned(tape.Device, tape.Slots[slot], tape.Device.Float, Use.Activation, node.Name);
        tape.Gradients[slot] = fresh;
        if (there is null) return new Target(fresh, false);
        using (there) Backend.Copy(there.Read(node.Name), fresh.Write(node.Name));
        return new Target(fresh, true);
    }

    private void Fire(Parameter parameter)
    {
        tape.Run.Gradients.Remove(parameter, out var known);
        var gradient = new Gradient { Value = known.Value };
        firing = parameter;
        try
        {
            sink.Ready(parameter, ref gradient);
        }
        finally
        {
            firing = null;
            if (!known.FromSink && gradient.Value == known.Value) known.Value?.Dispose();
        }
    }
}
