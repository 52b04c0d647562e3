namespace Mayfly;

/// <summary>
/// How queries and keys turn with their position (Su et al. 2021). Of a table that is yet to be made, a model that is only opened takes no
/// memory, however long its context.
/// </summary>
public sealed record Rotation
{
    private readonly Lazy<Tensor> table;
    private Func<Tensor, Tensor> own = made => made;
    private Tensor? moved;

    /// <summary>Takes a table.</summary>
    /// <param name="table">From <see cref="TensorOps.RotaryTable"/>.</param>
    /// <param name="halves">See <see cref="Halves"/>.</param>
    public Rotation(Tensor table, bool halves = false) => (this.table, Halves) = (new Lazy<Tensor>(table), halves);

    /// <summary>Makes the table when it is first used.</summary>
    /// <param name="make">Calls <see cref="TensorOps.RotaryTable"/>.</param>
    /// <param name="halves">See <see cref="Halves"/>.</param>
    public Rotation(Func<Tensor> make, bool halves = false) =>
        (table, Halves) = (new Lazy<Tensor>(() => own(make())), halves);

    /// <summary>The cosines and sines: (time, D / 2, 2).</summary>
    public Tensor Table => table.Value;

    /// <summary>False: pairs (2i, 2i + 1); true: pairs (i, i + D / 2).</summary>
    public bool Halves { get; }

    /// <summary>The table on a device; where it was made on another, a copy.</summary>
    public Tensor On(Device device)
    {
        if (Table.Device == device) return Table;
        if (moved?.Device != device) moved = own(Table.To(device).Keep());
        return moved;
    }

    /// <summary>Hands the table to an owner that frees it, as soon as there is one.</summary>
    public void OwnBy(Func<Tensor, Tensor> owner)
    {
        if (table.IsValueCreated) owner(Table);
        own = owner;
    }
}
