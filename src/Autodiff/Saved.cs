namespace Mayfly;

/// <summary>A tensor held by a record for its backward, with the version it had: use after an in-place change is an error.</summary>
public readonly struct Saved
{
    private readonly Tensor? view;
    private readonly int version;
    private readonly Parameter? parameter;

    internal Saved(Tensor tensor)
    {
        view = tensor.UnownedView();
        version = tensor.Storage.Version;
        parameter = tensor.Maker as Parameter;
    }

    /// <summary>True where a tensor was saved.</summary>
    public bool IsPresent => view is not null;

    /// <summary>True where nobody but this record holds the memory, so that backward may overwrite it.</summary>
    public bool IsSole => view is not null && !view.Storage.IsShared;

    /// <summary>The saved tensor.</summary>
    /// <exception cref="InvalidOperationException">It was changed in place after it was saved.</exception>
    public Tensor Get(string op)
    {
        var tensor = view ?? throw new InvalidOperationException($"{op}: no tensor was saved.");
        if (tensor.Storage.Version == version) return tensor;
        string what = parameter is null ? $"the tensor {tensor.Shape} made by {tensor.Storage.Op}" : $"parameter {parameter.Name} {tensor.Shape}";
        throw new InvalidOperationException(
            $"{op}: {what} was changed in place (version {tensor.Storage.Version}, saved as {version}) before the backward sweep read it. "
            + "Change weights in the gradient hook or after Backward, and let every op declare the tensors it reads as inputs.");
    }

    /// <summary>The saved tensor for overwriting; only where <see cref="IsSole"/>.</summary>
    internal Tensor TakeOver(string op) => Get(op);

    /// <summary>Lets go of the tensor; each record does it for all it saved, in <see cref="Node.Release"/>.</summary>
    public void Release() => view?.Dispose();
}
