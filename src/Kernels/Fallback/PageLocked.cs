namespace ILGPU.Runtime;

/// <summary>Host memory that a driver would copy from without a copy of its own.</summary>
internal sealed class PageLockedArray1D<T>(long length) : IDisposable where T : unmanaged
{
    private readonly T[] array = new T[length];

    public Span<T> Span => array;

    public long Length => array.Length;

    public void Dispose()
    {
    }
}

internal static class PageLockedArrayExtensions
{
    public static PageLockedArray1D<T> AllocatePageLocked1D<T>(this Accelerator accelerator, long extent) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        return new(extent);
    }

    public static void CopyFromPageLockedAsync<T, TView>(this TView target, AcceleratorStream stream, PageLockedArray1D<T> pageLockedArray)
        where TView : IContiguousArrayView<T> where T : unmanaged =>
        target.CopyFromCPU(stream, ref pageLockedArray.Span[0], pageLockedArray.Length);
}
