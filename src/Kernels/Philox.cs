using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011). Block c of the sequence of a key is
/// four 32-bit numbers that depend on the key and c alone, so any element can be drawn at any time by any thread or device.
/// </summary>
public static partial class Philox
{
    /// <summary>Block <paramref name="counter"/> of the sequence.</summary>
    public static (uint A, uint B, uint C, uint D) Block(RandomKey key, ulong counter)
    {
        Block(key.Seed, key.Stream, counter, out uint a, out uint b, out uint c, out uint d);
        return (a, b, c, d);
    }

    /// <summary>The same, in nothing but integers, as GPU kernels need it.</summary>
    internal static void Block(ulong seed, ulong stream, ulong counter, out uint a, out uint b, out uint c, out uint d)
    {
        a = (uint)counter;
        b = (uint)(counter >> 32);
        c = (uint)stream;
        d = (uint)(stream >> 32);
        uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong p = (ulong)0xD2511F53u * a, q = (ulong)0xCD9E8D57u * c;
            a = (uint)(q >> 32) ^ b ^ k0;
            c = (uint)(p >> 32) ^ d ^ k1;
            b = (uint)q;
            d = (uint)p;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
    }

    /// <summary>Element <paramref name="index"/> of the sequence: 32 random bits.</summary>
    public static uint Bits(RandomKey key, long index)
    {
        var (a, b, c, d) = Block(key, (ulong)index >> 2);
        return (index & 3) switch { 0 => a, 1 => b, 2 => c, _ => d };
    }

    /// <summary>A number in [0, 1) with 24 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Unit(uint bits) => (int)(bits >> 8) * (1f / (1 << 24));
}

/// <summary>
/// The key of a counter-based random sequence (Philox 4x32-10, Salmon et al. 2011): element i depends on the key and i alone.
/// </summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Stream">Which sequence: step, micro-batch and call mixed into one number.</param>
public readonly record struct RandomKey(ulong Seed, ulong Stream);
