namespace Mayfly;

/// <summary>
/// The result of a record that can make it again (<see cref="Node.CanRemake"/>), as the records that read it hold it: it keeps no memory.
/// Backward finds the tensor itself where somebody else still has it and nobody wrote to it; else it is made again, once, and freed with
/// its last reader.
/// </summary>
internal sealed class Remade(Node maker, Tensor result) : IDisposable
{
    private readonly int version = result.Storage.Version;
    private int readers;
    private Tensor? value;

    /// <summary>True where a tensor is the result as it was made.</summary>
    public bool Is(Tensor x) => x.Storage == result.Storage && x.Storage.Version == version && x.Layout.IsContiguous;

    /// <summary>Notes a record that will read it and then dispose it.</summary>
    public Remade Hold()
    {
        readers++;
        return this;
    }

    /// <summary>The result. It is this object's to free.</summary>
    public Tensor Get() => value ??= (result.Storage.Version == version ? result.TryView() : null) ?? Make();

    /// <summary>A reader is done.</summary>
    public void Dispose()
    {
        if (--readers > 0) return;
        value?.Dispose();
        value = null;
    }

    private Tensor Make()
    {
        var y = Tensor.Unowned(result.Device, result.Shape, result.Type, Use.Activation, maker.Name);
        try
        {
            maker.Remake(y);
            return y;
        }
        catch
        {
            y.Dispose();
            throw;
        }
    }
}
