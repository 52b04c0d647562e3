namespace Mayfly;

/// <summary>
/// How a parameter's gradient waits, for the end of the step or for more micro-batches: matrices may do so in a type that is storage only.
/// </summary>
internal readonly struct WaitingGradient(Parameter parameter, DType type)
{
    private const long Part = 1 << 16;

    /// <summary>True where it waits in another type than it is made and used in.</summary>
    public bool IsStored => type.IsStored() && parameter.Shape.Rank > 1;

    /// <summary>Its bytes while it waits.</summary>
    public long Bytes => (IsStored ? type : parameter.Value.Device.Float).Bytes(parameter.Shape.Count);

    /// <summary>
    /// Takes a new contribution, which is rounded: added to what is kept; or, where nothing is and the whole is used at once, as it is.
    /// </summary>
    /// <returns>The kept gradient.</returns>
    public Tensor Take(ref Gradient gradient, Tensor? kept, bool isUsedNow, RandomKey draws)
    {
        var value = gradient.Value!;
        if (kept is null && isUsedNow)
        {
            gradient = default;
            return RoundInPlace(value);
        }

        bool adds = kept is not null;
        kept ??= Tensor.Unowned(value.Device, value.Shape, type, Use.Gradient, parameter.Name);
        if (adds) kept.Rounding = draws;
        value.Device.Backend.Copy(value.Read("Gradient"), kept.Write("Gradient"), adds);
        kept.Rounding = null;
        return kept;
    }

    /// <summary>The gradient in the device's floating-point type.</summary>
    public Tensor Widen(Tensor gradient)
    {
        if (!gradient.Type.IsStored()) return gradient;
        var wide = Tensor.Unowned(gradient.Device, gradient.Shape, gradient.Device.Float, Use.Gradient, parameter.Name);
        gradient.Device.Backend.Copy(gradient.Read("Gradient"), wide.Write("Gradient"));
        gradient.Dispose();
        return wide;
    }

    /// <summary>What a gradient becomes by waiting, without its memory: a part at a time there and back.</summary>
    private Tensor RoundInPlace(Tensor gradient)
    {
        var backend = gradient.Device.Backend;
        using var part = Tensor.Unowned(gradient.Device, Math.Min(Part, gradient.Count), type, Use.Scratch, parameter.Name);
        View whole = gradient.Write("Gradient"), rounded = part.Write("Gradient");
        for (long i = 0; i < gradient.Count; i += Part)
        {
            long n = Math.Min(Part, gradient.Count - i);
            View from = whole.With(new Layout(n, 1, whole.Layout.Offset + i)), to = rounded.With(new Layout(n, 1, 0));
            backend.Copy(from, to);
            backend.Copy(to, from);
        }

        return gradient;
    }
}
