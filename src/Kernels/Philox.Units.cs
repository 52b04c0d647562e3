using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mayfly;

public static partial class Philox
{
    /// <summary>
    /// Writes <see cref="Unit(uint)"/> of the sequence's elements from number <paramref name="from"/> on, a multiple of 4.
    /// </summary>
    internal static unsafe void Units(RandomKey key, Span<float> units, long from = 0)
    {
        int whole = units.Length & ~31;
        fixed (float* first = units) Units(key, (ulong)from / 4, first, whole / 4);
        for (int i = whole; i < units.Length; i++) units[i] = Unit(Bits(key, from + i));
    }

    /// <summary>Writes 2 u - 1 + 2^-24 of the sequence's first units u, exactly: odd multiples of 2^-24 in (-1, 1).</summary>
    internal static void Symmetric(RandomKey key, Span<float> numbers)
    {
        Units(key, numbers);
        foreach (ref float x in numbers) x = Symmetric(x);
    }

    /// <summary>2 u - 1 + 2^-24 of a unit u.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Symmetric(float unit) => 2f * unit + (1f / (1 << 24) - 1f);

    /// <summary>
    /// Writes <see cref="Unit(uint)"/> of the 4 <paramref name="blocks"/> elements that start at block <paramref name="counter"/>: eight
    /// blocks at a time, one in each 64-bit element of two vectors, to the bit as the scalar form. <paramref name="blocks"/> is a multiple
    /// of eight.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static unsafe void Units(RandomKey key, ulong counter, float* units, int blocks)
    {
        // only the low half of each 64-bit element counts: products ignore the high half, so nothing clears it
        Vector256<ulong> stream = Vector256.Create(key.Stream), lanes = Vector256.Create(0ul, 1, 2, 3);
        for (int i = 0; i < blocks; i += 8)
        {
            Vector256<ulong> a = Vector256.Create(counter + (ulong)i) + lanes, b = a >>> 32, c = stream, d = c >>> 32;
            Vector256<ulong> e = Vector256.Create(counter + (ulong)i + 4) + lanes, f = e >>> 32, g = stream, h = d;
            Vector256<ulong> k0 = Vector256.Create(key.Seed), k1 = k0 >>> 32;
            for (int round = 0; round < 10; round++)
            {
                Round(ref a, ref b, ref c, ref d, k0, k1);
                Round(ref e, ref f, ref g, ref h, k0, k1);
                k0 += Vector256.Create(0x9E3779B9ul);
                k1 += Vector256.Create(0xBB67AE85ul);
            }

            Store(a, b, c, d, units + 4 * i);
            Store(e, f, g, h, units + 4 * i + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref Vector256<ulong> a, ref Vector256<ulong> b, ref Vector256<ulong> c, ref Vector256<ulong> d,
        Vector256<ulong> k0, Vector256<ulong> k1)
    {
        Vector256<ulong> p = Product(a, 0xD2511F53), q = Product(c, 0xCD9E8D57);
        a = (q >>> 32) ^ b ^ k0;
        b = q;
        c = (p >>> 32) ^ d ^ k1;
        d = p;
    }

    /// <summary>Writes the 16 elements of four blocks in their order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Store(Vector256<ulong> a, Vector256<ulong> b, Vector256<ulong> c, Vector256<ulong> d, float* units)
    {
        Vector256<ulong> ab = Join(a, b), cd = Join(c, d);
        Unit(Alternate(ab, cd, Vector256.Create(0ul, 0, 1, 1))).Store(units);
        Unit(Alternate(ab, cd, Vector256.Create(2ul, 2, 3, 3))).Store(units + 8);
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

    /// <summary>
    /// Even elements from <paramref name="even"/>, odd ones from <paramref name="odd"/>, both picked by <paramref name="order"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Alternate(Vector256<ulong> even, Vector256<ulong> odd, Vector256<ulong> order) =>
        Vector256.ConditionalSelect(
            Vector256.Create(ulong.MaxValue, 0, ulong.MaxValue, 0),
            Vector256.Shuffle(even, order), Vector256.Shuffle(odd, order)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Unit(Vector256<uint> bits) =>
        Vector256.ConvertToSingle((bits >>> 8).AsInt32()) * Vector256.Create(1f / (1 << 24));
}
