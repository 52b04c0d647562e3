namespace Mayfly;

/// <summary>
/// A rented block with the number of its holders and of its in-place changes. One that no scope owns goes back with the last tensor that
/// the program still knows, if nobody disposes it before; of others a finalizer only reports.
/// </summary>
internal sealed class Storage
{
    private System.Runtime.CompilerServices.StrongBox<RandomKey>? rounding; // apart: few tensors have one, and a step makes many
    private int holders = 1;
    private bool loose;

    public Storage(Device device, long bytes, Use use, string op)
    {
        Device = device;
        Bytes = bytes;
        Use = use;
        Op = op;
        Block = device.Pager is { } pager && pager.Takes(use, bytes) ? pager.Add(bytes, use, op)
            : device.Arena.Rent(bytes, use, op);
    }

    public Device Device { get; }

    /// <summary>The memory, or what stands for it.</summary>
    public Block Block { get; }

    /// <summary>The memory for a kernel that reads, and that of one that writes: what is kept elsewhere is fetched.</summary>
    public Block ForReading => Block is Lent lent ? lent.Use(writes: false) : Block;

    /// <inheritdoc cref="ForReading"/>
    public Block ForWriting => Block is Lent lent ? lent.Use(writes: true) : Block;

    /// <summary>Where it is kept elsewhere: what was used before may leave the memory.</summary>
    public void Settle() => (Block as Lent)?.Settle();

    public long Bytes { get; }

    public Use Use { get; }

    /// <summary>The op that made it.</summary>
    public string Op { get; }

    /// <summary>Counts in-place changes of the content.</summary>
    public int Version
    {
        get;
        set
        {
            field = value;
            Written = null;
        }
    }

    /// <summary>
    /// The integers last written from the host, where nothing has changed them since, so that ops can check ids without waiting for the
    /// device; else null.
    /// </summary>
    public int[]? Written { get; set; }

    /// <summary>See <see cref="Tensor.Rounding"/>.</summary>
    public RandomKey? Rounding
    {
        get => rounding?.Value;
        set => rounding = value is { } key ? new(key) : null;
    }

    /// <summary>The key of a write; the next one gets another.</summary>
    public RandomKey NextRounding(RandomKey key)
    {
        Rounding = key with { Stream = key.Stream + 1 };
        return key;
    }

    /// <summary>True where no scope and no maker frees it.</summary>
    public bool IsLoose => Volatile.Read(ref loose);

    /// <summary>Leaves it to the garbage collector, which is told of its size; what is kept elsewhere stays there.</summary>
    public void Loosen()
    {
        if (Block is Lent || Interlocked.Exchange(ref loose, true)) return;
        Device.Arena.Loosen(Block);
        if (Bytes > 0) GC.AddMemoryPressure(Bytes);
    }

    public bool IsShared => Volatile.Read(ref holders) > 1;

    public void AddHolder() => Interlocked.Increment(ref holders);

    /// <summary>Adds a holder unless the memory was given back.</summary>
    public bool TryAddHolder()
    {
        for (int now = Volatile.Read(ref holders); now > 0; now = Volatile.Read(ref holders))
            if (Interlocked.CompareExchange(ref holders, now + 1, now) == now) return true;
        return false;
    }

    public void RemoveHolder()
    {
        if (Interlocked.Decrement(ref holders) != 0) return;
        if (Block is Lent lent) lent.Free();
        else GiveBack();
        GC.SuppressFinalize(this);
    }

    private void GiveBack()
    {
        if (loose && Bytes > 0) GC.RemoveMemoryPressure(Bytes);
        Device.Arena.Return(Block, Bytes, Use, Op, loose);
    }

    ~Storage()
    {
        string what = $"{Use} tensor of {Bytes:N0} bytes made by {Op}";
        Device.Arena.ReportLeak(what);
        if (loose) GiveBack();
        else LeakWarning.Say(what);
    }
}
