namespace Mayfly;

/// <summary>
/// The contents of a device's blocks in host memory, while the host works in the device's place. Only under the device's gate.
/// </summary>
internal sealed class HostMirror(Backend device)
{
    private readonly Dictionary<Block, HostBlock> fetched = [];

    /// <summary>The host's copy of a block, fetched at the first call.</summary>
    public HostBlock Fetch(Block block)
    {
        if (fetched.TryGetValue(block, out var copy)) return copy;
        copy = HostMemory.Allocate(block.Bytes);
        fetched.Add(block, copy);
        device.Read(Whole(block), Bytes(copy));
        return copy;
    }

    /// <summary>Writes all copies back.</summary>
    public void Return()
    {
        foreach (var (block, copy) in fetched) device.Write(Whole(block), Bytes(copy));
    }

    /// <summary>Forgets all copies.</summary>
    public void Clear()
    {
        foreach (var copy in fetched.Values) HostMemory.Free(copy);
        fetched.Clear();
    }

    private static View Whole(Block block) => new(block, DType.F32, Layout.RowMajor(block.Bytes / sizeof(float)));

    private static unsafe Span<byte> Bytes(HostBlock copy) => new(copy.Pointer, checked((int)copy.Bytes));
}
