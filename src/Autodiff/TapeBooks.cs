using System.Numerics;
using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>The record after which a parameter's gradient is final.</summary>
/// <param name="Node">The record's number.</param>
/// <param name="Order">The use's number: parameters of one record fire in the order of their first mention.</param>
/// <param name="Parameter">The parameter.</param>
internal readonly record struct FirstUse(int Node, int Order, Parameter Parameter);

/// <summary>What a tape writes down, kept from tape to tape.</summary>
internal sealed class TapeBooks
{
    private readonly Dictionary<Parameter, int> firstUse = [];
    private readonly List<FirstUse> uses = [];
    private readonly List<IDisposable> saved = []; // tensors, and results that are made again
    private int taken;

    /// <summary>The books of every tape that was closed: empty.</summary>
    public static TapeBooks Closed { get; } = new();

    public List<Node> Nodes { get; } = [];

    /// <summary>The shapes of the values on the tape.</summary>
    public List<Shape> Slots { get; } = [];

    /// <summary>Of each value how it can be made again, or null.</summary>
    public List<Remade?> Results { get; } = [];

    /// <summary>The gradients of those values that the sweep has reached and not yet passed, and of watched ones.</summary>
    public Tensor?[] Gradients { get; private set; } = [];

    /// <summary>Notes that the next record reads a parameter; the first such record counts.</summary>
    public void NoteUse(Parameter parameter) => firstUse.TryAdd(parameter, Nodes.Count);

    /// <summary>
    /// Holds a tensor for the next record. A result that can be made again is held without its memory; a parameter's value is the model's.
    /// </summary>
    public Saved Save(Tensor tensor)
    {
        if (tensor.Maker is Tape tape && tape.Books == this && Results[tensor.Slot] is { } result && result.Is(tensor))
        {
            saved.Add(result.Hold());
            return new Saved(result);
        }

        if (tensor.Maker is Parameter parameter && parameter.Value == tensor) return new Saved(tensor);
        var view = tensor.UnownedView();
        view.Maker = tensor.Maker as Parameter;
        saved.Add(view);
        return new Saved(view);
    }

    /// <summary>Adds a record, to which belongs what was saved since the one before.</summary>
    public void Add(Node node)
    {
        node.FirstSaved = taken;
        taken = saved.Count;
        Nodes.Add(node);
    }

    /// <summary>Notes how the last record's result can be made again.</summary>
    public void NoteResult(Node node, Tensor y)
    {
        if (node.CanRemake) Results[y.Slot] = new Remade(node, y);
    }

    /// <summary>Frees what was saved for a record and for those after it.</summary>
    public void FreeSaved(int from)
    {
        for (int i = saved.Count - 1; i >= from; i--) saved[i].Dispose();
        saved.RemoveRange(from, saved.Count - from);
    }

    public void MakeGradients()
    {
        if (Gradients.Length < Slots.Count) Gradients = new Tensor?[BitOperations.RoundUpToPowerOf2((uint)Slots.Count)];
    }

    /// <summary>Orders the parameters by the record of their use, those of one record by their first mention.</summary>
    public void SortUses()
    {
        foreach (var (parameter, node) in firstUse) uses.Add(new FirstUse(node, uses.Count, parameter));
        uses.Sort(static (a, b) => a.Node != b.Node ? a.Node.CompareTo(b.Node) : a.Order.CompareTo(b.Order));
    }

    /// <summary>
    /// The sorted uses of one record; records are asked for from the last to the first, and uses of later ones are forgotten.
    /// </summary>
    public ReadOnlySpan<FirstUse> UsesOf(int node)
    {
        while (uses.Count > 0 && uses[^1].Node > node) uses.RemoveAt(uses.Count - 1);
        int start = uses.Count;
        while (start > 0 && uses[start - 1].Node == node) start--;
        return CollectionsMarshal.AsSpan(uses)[start..];
    }

    public void Clear()
    {
        taken = 0;
        Array.Clear(Gradients);
        firstUse.Clear();
        uses.Clear();
        Nodes.Clear();
        Slots.Clear();
        Results.Clear();
    }
}
