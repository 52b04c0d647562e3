namespace Mayfly;

/// <summary>
/// A frozen linear layer and low-rank adapters of its rows: y = layer(x) + alpha / r B A dropout(x), with A (r, In) and B (Rows, r). Of
/// fused queries, keys and values each has an adapter of its own, or none.
/// </summary>
public sealed class LoraLinear : Module
{
    private readonly Linear layer;
    private readonly Adapter?[] parts;
    private readonly LoraPlace[] places;
    private readonly float dropout;

    private sealed record Adapter(Linear A, Linear B, float Scale);

    internal LoraLinear(ParameterSource source, Linear old, LoraPlace[] places, float dropout)
    {
        (this.places, this.dropout) = (places, dropout);
        layer = Add("base", old);
        parts = [.. places.Select(place => place.Rank == 0 ? null : Make(source, place))];
    }

    /// <summary>The layer, without the adapters.</summary>
    public Linear Layer => layer;

    /// <summary>The adapters: the path of the layer or of its part, its first row, both matrices and the scale of their product.</summary>
    public IEnumerable<(string Name, int FirstRow, Parameter A, Parameter B, float Scale)> Adapters
    {
        get
        {
            int first = 0;
            for (int i = 0; i < parts.Length; first += places[i++].Rows)
                if (parts[i] is { } part) yield return (places[i].Name, first, part.A.Weight, part.B.Weight, part.Scale);
        }
    }

    /// <summary>The number of places, each with or without an adapter.</summary>
    internal int PlaceCount => places.Length;

    /// <summary>x (..., In) -> (..., Out).</summary>
    protected override Tensor Forward(Tensor x) => Change(layer.Call(x), x);

    /// <inheritdoc/>
    protected override Tensor AddForward(Tensor residual, Tensor x, float dropout) =>
        IsTraining && dropout > 0 ? base.AddForward(residual, x, dropout) : Change(layer.AddTo(residual, x), x);

    /// <summary>Adds scale B A to the rows that each adapter is of, in floats.</summary>
    internal void AddToWeight()
    {
        using var still = Tape.NoGrad();
        using var scope = Device.Scope("Merge");
        var weight = layer.Weight.Value;
        var change = Rows(part => part.B.Weight.Value.MatMul(part.A.Weight.Value).Scale(part.Scale), weight.Shape[1]); // (Out, In)
        if (!weight.Type.IsStored()) weight.AddInPlace(change);
        else weight.CopyFrom<float>((Tensor.From<float>(weight.ToArray(), weight.Shape, Device) + change).ToArray());
    }

    private Adapter Make(ParameterSource source, LoraPlace place)
    {
        string prefix = place.Part.Length > 0 ? $"{place.Part}_lora" : "lora";
        int inputs = (int)layer.Weight.Shape[1];
        return new Adapter(
            Add($"{prefix}_a", new Linear(source, inputs, place.Rank, bias: false, initializer: Init.KaimingUniform(1 / Math.Sqrt(3)))),
            Add($"{prefix}_b", new Linear(source, place.Rank, place.Rows, bias: false, initializer: Init.Zeros)), place.Scale);
    }

    /// <summary>y (..., Out) and what the adapters make of x (..., In).</summary>
    private Tensor Change(Tensor y, Tensor x)
    {
        if (IsTraining && dropout > 0) x = x.Dropout(dropout);
        if (parts is [{ } only]) return AddTo(only, y, x);
        var changed = new Tensor[parts.Length];
        for (int i = 0, first = 0; i < parts.Length; first += places[i++].Rows)
        {
            var rows = y.Slice(-1, first, places[i].Rows);
            changed[i] = parts[i] is { } part ? AddTo(part, rows, x) : rows;
        }

        return Tensor.Concat(-1, changed);
    }

    private static Tensor AddTo(Adapter part, Tensor y, Tensor x) => part.B.AddTo(y, part.A.Call(x).Scale(part.Scale));

    private Tensor Rows(Func<Adapter, Tensor> make, long columns) => Tensor.Concat(0, [.. places.Select((place, i) =>
        parts[i] is { } part ? make(part) : Tensor.Zeros((place.Rows, columns), Device))]);
}
