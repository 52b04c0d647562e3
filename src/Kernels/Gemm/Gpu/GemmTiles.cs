using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>256 lanes for a square of 128: each number read from the device is multiplied 128 times.</summary>
internal struct WideTile : IGemmTile<WideTile>
{
    private const int Half = 16, Step = 2 * Half + 1;
    private Sums8 sums;

    public static int Side => 128;

    public static int Depth => 8;

    public static int Across => Half;

    public static int Quads => 2;

    public readonly Quad Left => sums.UpperLeft.R0;

    public readonly Quad Right => sums.UpperRight.R0;

    public static ArrayView<Quad> Room() => SharedMemory.Allocate<Quad>(4 * 8 * Step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ArrayView<Quad> a, ArrayView<Quad> b)
    {
        sums.Add(a, b, 0, Half);
        sums.Add(a, b, Step, Half);
        sums.Add(a, b, 2 * Step, Half);
        sums.Add(a, b, 3 * Step, Half);
        sums.Add(a, b, 4 * Step, Half);
        sums.Add(a, b, 5 * Step, Half);
        sums.Add(a, b, 6 * Step, Half);
        sums.Add(a, b, 7 * Step, Half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Shift() => sums.Shift();
}

/// <summary>64 lanes for a square of 64, where there are too few squares of 128 to fill the device.</summary>
internal struct MiddleTile : IGemmTile<MiddleTile>
{
    private const int Half = 8, Step = 2 * Half + 1;
    private Sums8 sums;

    public static int Side => 64;

    public static int Depth => 4;

    public static int Across => Half;

    public static int Quads => 2;

    public readonly Quad Left => sums.UpperLeft.R0;

    public readonly Quad Right => sums.UpperRight.R0;

    public static ArrayView<Quad> Room() => SharedMemory.Allocate<Quad>(4 * 4 * Step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ArrayView<Quad> a, ArrayView<Quad> b)
    {
        sums.Add(a, b, 0, Half);
        sums.Add(a, b, Step, Half);
        sums.Add(a, b, 2 * Step, Half);
        sums.Add(a, b, 3 * Step, Half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Shift() => sums.Shift();
}

/// <summary>64 lanes for a square of 32, with a quarter of the sums a lane.</summary>
internal struct NarrowTile : IGemmTile<NarrowTile>
{
    private const int Step = 9;
    private Sums4 sums;

    public static int Side => 32;

    public static int Depth => 8;

    public static int Across => 8;

    public static int Quads => 1;

    public readonly Quad Left => sums.R0;

    public readonly Quad Right => default;

    public static ArrayView<Quad> Room() => SharedMemory.Allocate<Quad>(4 * 8 * Step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ArrayView<Quad> a, ArrayView<Quad> b)
    {
        sums.Add(a[0], b[0]);
        sums.Add(a[Step], b[Step]);
        sums.Add(a[2 * Step], b[2 * Step]);
        sums.Add(a[3 * Step], b[3 * Step]);
        sums.Add(a[4 * Step], b[4 * Step]);
        sums.Add(a[5 * Step], b[5 * Step]);
        sums.Add(a[6 * Step], b[6 * Step]);
        sums.Add(a[7 * Step], b[7 * Step]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Shift() => sums.Shift(default);
}
