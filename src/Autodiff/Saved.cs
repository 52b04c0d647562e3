namespace Mayfly;

/// <summary>
/// A tensor held for a record's backward, with the version it had: use after an in-place change is an error. <see cref="Op.Save"/> makes
/// it, <see cref="Node.Read(in Saved)"/> reads it, and the tape frees it.
/// </summary>
public readonly struct Saved
{
    private readonly Tensor? view;
    private readonly Remade? remade;
    private readonly int version;

    internal Saved(Tensor view)
    {
        this.view = view;
        version = view.Storage.Version;
    }

    internal Saved(Remade remade) => this.remade = remade;

    /// <summary>True where a tensor was saved.</summary>
    public bool IsPresent => view is not null || remade is not null;

    /// <summary>True where the tensor's memory is held; false also where its record makes it again when it is read.</summary>
    public bool IsHeld => view is not null;

    /// <summary>True where nobody but this record holds the memory, so that backward may overwrite it.</summary>
    public bool IsSole => view is not null && !view.Storage.IsShared;

    /// <exception cref="InvalidOperationException">None was saved, or it was changed in place after that.</exception>
    internal Tensor Get(string name)
    {
        if (remade is not null) return remade.Get(name);
        var tensor = view ?? throw new InvalidOperationException($"{name}: no tensor was saved.");
        CheckVersion(tensor, version, name);
        return tensor;
    }

    /// <exception cref="InvalidOperationException">The tensor was changed in place.</exception>
    internal static void CheckVersion(Tensor tensor, int version, string name)
    {
        if (tensor.Storage.Version == version) return;
        string what = tensor.Maker is Parameter parameter
            ? $"parameter {parameter.Name} {tensor.Shape}"
            : $"the tensor {tensor.Shape} made by {tensor.Storage.Op}";
        throw new InvalidOperationException(
            $"{name}: {what} was changed in place (version {tensor.Storage.Version}, saved as {version}) before the backward "
            + "sweep read it. Change weights in the gradient hook or after Backward, "
            + "and let every op declare the tensors it reads as inputs.");
    }
}
