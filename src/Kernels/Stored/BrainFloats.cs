using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mayfly;

/// <summary>
/// Brain floats, the upper halves of floats. A float is rounded to nearest, ties to even; or by 16 random bits that are added to its lower
/// half, so that it goes up as often as it lies above the number below. Infinities stay, a NaN stays one.
/// </summary>
internal static unsafe class BrainFloats
{
    private const uint HalfStep = 0x7FFF, Quiet = 0x400000;

    /// <summary>The float of a brain float.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Widen(ushort x) => BitConverter.UInt32BitsToSingle((uint)x << 16);

    /// <summary>The nearest brain float.</summary>
    public static ushort Round(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return (ushort)((float.IsNaN(x) ? bits | Quiet : bits + HalfStep + (bits >> 16 & 1)) >> 16);
    }

    /// <summary>One of the two brain floats around x, by a number in [0, 1).</summary>
    public static ushort Round(float x, float unit)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return (ushort)((float.IsNaN(x) ? bits | Quiet : bits + (uint)(int)(unit * 65536f)) >> 16);
    }

    /// <summary>Widens <paramref name="count"/> numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Load(ushort* from, int count, float* to)
    {
        int i = 0;
        for (; i <= count - 16; i += 16)
        {
            var (low, high) = Vector256.Widen(Vector256.Load(from + i));
            Vector256.ShiftLeft(low, 16).AsSingle().Store(to + i);
            Vector256.ShiftLeft(high, 16).AsSingle().Store(to + i + 8);
        }

        for (; i < count; i++) to[i] = Widen(from[i]);
    }

    /// <summary>Rounds to nearest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(float* from, int count, ushort* to)
    {
        int i = 0;
        for (; i <= count - 16; i += 16) Vector256.Narrow(Nearest(from + i), Nearest(from + i + 8)).Store(to + i);
        for (; i < count; i++) to[i] = Round(from[i]);
    }

    /// <summary>Rounds by a number in [0, 1) for each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(float* from, float* units, int count, ushort* to)
    {
        int i = 0;
        for (; i <= count - 16; i += 16)
            Vector256.Narrow(Drawn(from + i, units + i), Drawn(from + i + 8, units + i + 8)).Store(to + i);
        for (; i < count; i++) to[i] = Round(from[i], units[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Nearest(float* from)
    {
        var x = Vector256.Load(from);
        var bits = x.AsUInt32();
        return Upper(x, bits + Vector256.Create(HalfStep) + (bits >>> 16 & Vector256.Create(1u)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Drawn(float* from, float* units)
    {
        var x = Vector256.Load(from);
        var random = Vector256.ConvertToInt32Native(Vector256.Load(units) * Vector256.Create(65536f)).AsUInt32();
        return Upper(x, x.AsUInt32() + random);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Upper(Vector256<float> x, Vector256<uint> rounded)
    {
        var quiet = x.AsUInt32() | Vector256.Create(Quiet);
        return Vector256.ConditionalSelect(Vector256.Equals(x, x).AsUInt32(), rounded, quiet) >>> 16;
    }
}
