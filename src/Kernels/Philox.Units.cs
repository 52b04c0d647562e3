using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mayfly;

public static partial class Philox
{
    /// <summary>
    /// Writes <see cref="Unit(uint)"/> of the 4 <paramref name="blocks"/> elements that start at block <paramref name="counter"/>: four blocks at a time,
    /// one in each 64-bit element, to the bit as the scalar form. <paramref name="blocks"/> is a multiple of four.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static unsafe void Units(RandomKey key, ulong counter, float* units, int blocks)
    {
        for (int i = 0; i < blocks; i += 4)
        {
            var (low, high) = FourBlocks(key, counter + (ulong)i);
            Unit(low).Store(units + 4 * i);
            Unit(high).Store(units + 4 * i + 8);
        }
    }

    /// <summary>The 16 elements of blocks <paramref name="counter"/> to <paramref name="counter"/> + 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<uint> Low, Vector256<uint> High) FourBlocks(RandomKey key, ulong counter)
    {
        // only the low half of each 64-bit element counts: the product ignores the high half, so nothing clears it
        var a = Vector256.Create(counter) + Vector256.Create(0ul, 1, 2, 3);
        var b = a >>> 32;
        var c = Vector256.Create(key.Stream);
        var d = c >>> 32;
        uint k0 = (uint)key.Seed, k1 = (uint)(key.Seed >> 32);
        for (int round = 0; round < 10; round++)
        {
            var p = Product(a, 0xD2511F53);
            var q = Product(c, 0xCD9E8D57);
            a = (q >>> 32) ^ b ^ Vector256.Create((ulong)k0);
            b = q;
            c = (p >>> 32) ^ d ^ Vector256.Create((ulong)k1);
            d = p;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }

        var ab = Join(a, b);
        var cd = Join(c, d);
        return (Alternate(ab, cd, Vector256.Create(0ul, 0, 1, 1)), Alternate(ab, cd, Vector256.Create(2ul, 2, 3, 3)));
    }

    /// <summary>The 64-bit product of the low half of each element and <paramref name="m"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Product(Vector256<ulong> x, uint m) =>
        Avx2.IsSupported
            ? Avx2.Multiply(x.AsUInt32(), Vector256.Create((ulong)m).AsUInt32())
            : (x & Vector256.Create(0xFFFFFFFFul)) * Vector256.Create((ulong)m);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Join(Vector256<ulong> low, Vector256<ulong> high) =>
        (low & Vector256.Create(0xFFFFFFFFul)) | (high << 32);

    /// <summary>Even elements from <paramref name="even"/>, odd ones from <paramref name="odd"/>, both picked by <paramref name="order"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Alternate(Vector256<ulong> even, Vector256<ulong> odd, Vector256<ulong> order) =>
        Vector256.ConditionalSelect(
            Vector256.Create(ulong.MaxValue, 0, ulong.MaxValue, 0), Vector256.Shuffle(even, order), Vector256.Shuffle(odd, order)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Unit(Vector256<uint> bits) =>
        Vector256.ConvertToSingle((bits >>> 8).AsInt32()) * Vector256.Create(1f / (1 << 24));
}
