using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// The elements of a host view whose type is storage only: kernels read and write them as floats, some at a time. An element is named by
/// its place, its number in the block.
/// </summary>
internal readonly unsafe struct StoredNumbers(in View view)
{
    /// <summary>Elements that are converted at a time; a whole number of groups.</summary>
    public const int Window = 256;

    private readonly byte* block = view.IsAbsent ? null : ((HostBlock)view.Block!).Pointer;
    private readonly DType type = view.Type;
    private readonly RandomKey? rounding = view.Rounding;

    /// <summary>The place of the view's first element.</summary>
    public readonly long First = view.Layout.Offset;

    /// <summary>True for a view of a type that is storage only; false for floats and for an absent view.</summary>
    public readonly bool IsStored = view.IsStored;

    /// <summary>True where writes must cover whole groups of elements.</summary>
    public bool HasGroups => type == DType.Int8;

    /// <summary>Reads consecutive elements.</summary>
    public void Load(long place, int count, float* to)
    {
        if (type == DType.BF16) BrainFloats.Load((ushort*)block + place, count, to);
        else if (type == DType.Int8) ByteGroups.Load(block, place, count, to);
        else for (int i = 0; i < count; i++) to[i] = (float)((Half*)block)[place + i];
    }

    /// <summary>Reads elements that lie <paramref name="stride"/> apart.</summary>
    public void Load(long place, long stride, int count, float* to)
    {
        if (stride == 1) Load(place, count, to);
        else if (stride == 0)
        {
            Load(place, 1, to);
            new Span<float>(to, count).Fill(*to);
        }
        else for (int i = 0; i < count; i++) Load(place + i * stride, 1, to + i);
    }

    /// <summary>Rounds consecutive numbers and writes them.</summary>
    [SkipLocalsInit]
    public void Store(float* from, long place, int count)
    {
        float* units = stackalloc float[rounding is null ? 0 : Window + 32];
        for (int i = 0; i < count; i += Window) StoreWindow(from + i, place + i, Math.Min(Window, count - i), units);
    }

    private void StoreWindow(float* from, long place, int count, float* units)
    {
        if (rounding is { } key) units = Draw(key, place, count, units);
        if (type == DType.Int8) ByteGroups.Store(from, rounding is null ? null : units, block, place, count);
        else if (type == DType.F16) StoreHalf(from, place, count);
        else if (rounding is null) BrainFloats.Store(from, count, (ushort*)block + place);
        else BrainFloats.Store(from, units, count, (ushort*)block + place);
    }

    private void StoreHalf(float* from, long place, int count)
    {
        for (int i = 0; i < count; i++) ((Half*)block)[place + i] = (Half)from[i];
    }

    /// <summary>Rounds numbers and writes them <paramref name="stride"/> apart.</summary>
    public void Store(float* from, long place, long stride, int count)
    {
        if (stride == 1) Store(from, place, count);
        else for (int i = 0; i < count; i++) Store(from + i, place + i * stride, 1);
    }

    /// <summary>The random numbers of the elements from a place on.</summary>
    private static float* Draw(RandomKey key, long place, int count, float* units)
    {
        int skipped = (int)(place & 3);
        Philox.Units(key, (ulong)place / 4, units, (skipped + count + 31) / 32 * 8);
        return units + skipped;
    }
}
