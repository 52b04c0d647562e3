namespace Mayfly;

/// <summary>
/// Owns the tensors its thread makes on its device while it is the innermost scope, and frees them when it closes. <see cref="Return"/>
/// hands a result to the enclosing scope; <see cref="Tensor.Keep"/> takes a tensor out of all scopes.
/// </summary>
public sealed class Scope : IDisposable
{
    [ThreadStatic] private static Scope? current;
    private readonly List<Tensor> tensors = Spare<List<Tensor>>.Rent();
    private readonly Scope? parent;
    private bool closed;

    private Scope(Device device, string name, Scope? parent)
    {
        Device = device;
        Name = name;
        this.parent = parent;
    }

    /// <summary>The device whose tensors it owns.</summary>
    public Device Device { get; }

    /// <summary>The name that messages give.</summary>
    public string Name { get; }

    /// <summary>Hands <paramref name="result"/> to the enclosing scope, or to the caller where there is none, and returns it.</summary>
    public Tensor Return(Tensor result)
    {
        if (result.Owner == this) result.MoveTo(Nearest(parent, Device));
        return result;
    }

    /// <summary>Frees the tensors that were neither returned nor kept.</summary>
    /// <exception cref="InvalidOperationException">An inner scope is still open.</exception>
    public void Dispose()
    {
        if (closed) return;
        if (current != this)
            throw new InvalidOperationException($"Scope '{Name}' closes while '{current?.Name}' is the innermost: "
                + "scopes close in reverse order, on the thread that opened them.");
        closed = true;
        current = parent;
        FreeOwned();
        tensors.Clear();
        Spare<List<Tensor>>.Return(tensors);
    }

    internal static Scope Open(Device device, string name) => current = new Scope(device, name, current);

    internal static Scope? Innermost(Device device) => Nearest(current, device);

    internal void Add(Tensor tensor) => tensors.Add(tensor);

    private void FreeOwned()
    {
        Freed? how = null;
        for (int i = tensors.Count - 1; i >= 0; i--)
            if (tensors[i].Owner == this) tensors[i].Free(how ??= new Freed(Name));
    }

    private static Scope? Nearest(Scope? scope, Device device)
    {
        while (scope is not null && scope.Device != device) scope = scope.parent;
        return scope;
    }
}
