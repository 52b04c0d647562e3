namespace Mayfly;

/// <summary>
/// A tensor held for a record's backward, with the version it had: use after an in-place change is an error. <see cref="Op.Save"/> makes
/// it, <see cref="Node.Read(in Saved)"/> reads it, and the tape frees it.
/// </summary>
public readonly struct Saved
{
    private readonly object? kept; // a tensor, or how it is made again
    private readonly int version;

    internal Saved(Tensor view)
    {
        kept = view;
        version = view.Storage.Version;
    }

    internal Saved(Remade remade) => kept = remade;

    /// <summary>True where a tensor was saved.</summary>
    public bool IsPresent => kept is not null;

    /// <summary>True where the tensor's memory is held; false also where its record makes it again when it is read.</summary>
    public bool IsHeld => kept is Tensor;

    /// <summary>True where nobody but this record holds the memory, so that backward may overwrite it.</summary>
    public bool IsSole => kept is Tensor { Maker: not Parameter, Storage.IsShared: false };

    /// <exception cref="InvalidOperationException">None was saved, or it was changed in place after that.</exception>
    internal Tensor Get(string name)
    {
        if (kept is Remade remade) return remade.Get();
        var tensor = kept as Tensor ?? throw new InvalidOperationException($"{name}: no tensor was saved.");
        if (tensor.Storage.Version == version) return tensor;
        string what = tensor.Maker is Parameter parameter
            ? $"parameter {parameter.Name} {tensor.Shape}"
            : $"the tensor {tensor.Shape} made by {tensor.Storage.Op}";
        throw new InvalidOperationException(
            $"{name}: {what} was changed in place (version {tensor.Storage.Version}, saved as {version}) before the backward "
            + "sweep read it. Change weights in the gradient hook or after Backward, "
            + "and let every op declare the tensors it reads as inputs.");
    }
}
