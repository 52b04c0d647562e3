using ILGPU;

namespace Mayfly;

/// <summary>
/// Numbers of types that are storage only: brain floats, and groups of bytes with a scale, which lie as words of 65 for 256 codes. What the
/// host's forms do in <see cref="BrainFloats"/> and <see cref="ByteGroups"/>, to the bit.
/// </summary>
internal static class StoredKernels
{
    private const int Size = DTypes.GroupSize, Words = Size / 4 + 1;

    /// <summary>y[i] = brain float x[i].</summary>
    public static void WidenHalves(ArrayView<short> x, ArrayView<float> y)
    {
        for (int i = Lanes.First; i < y.IntLength; i += Lanes.Step) y[i] = Widen(x[i]);
    }

    /// <summary>y[i] = x[i] rounded; where drawn, by the random number of place first + i.</summary>
    public static void RoundHalves(ArrayView<float> x, ArrayView<short> y, int drawn, ulong seed, ulong stream, long first)
    {
        for (int i = Lanes.First; i < x.IntLength; i += Lanes.Step)
        {
            uint bits = Interop.FloatAsInt(x[i]);
            uint random = drawn != 0 ? Bits(seed, stream, first + i) >> 16 : 0x7FFF + (bits >> 16 & 1);
            y[i] = (short)(((bits & 0x7FFFFFFF) > 0x7F800000 ? bits | 0x400000 : bits + random) >> 16);
        }
    }

    /// <summary>y[i] = element first + i of the groups.</summary>
    public static void WidenGroups(ArrayView<float> scales, ArrayView<sbyte> codes, ArrayView<float> y, long first)
    {
        for (int i = Lanes.First; i < y.IntLength; i += Lanes.Step)
        {
            long place = first + i, group = place / Size;
            y[i] = codes[group * (4 * Words) + 4 + (place - group * Size)] * scales[group * Words];
        }
    }

    /// <summary>Groups from number first on become those of x, a lane each; the last may be shorter.</summary>
    public static void RoundGroups(
        ArrayView<float> x, ArrayView<float> scales, ArrayView<sbyte> codes, int drawn, ulong seed, ulong stream, long first)
    {
        for (int g = Lanes.First; g < (x.IntLength + Size - 1) / Size; g += Lanes.Step)
        {
            int start = g * Size, end = start + Size < x.IntLength ? start + Size : x.IntLength;
            float scale = Scale(x, start, end), divisor = scale > 1e-12f ? scale : 1e-12f;
            scales[(first + g) * Words] = scale;
            for (int i = start; i < end; i++)
            {
                float y = x[i] / divisor;
                float u = drawn != 0 ? Philox.Unit(Bits(seed, stream, first * Size + i)) : 0f;
                codes[(first + g) * (4 * Words) + 4 + i - start] = Code(drawn != 0 ? Floor(y + u) : G1.Round(new G1(y)).Value);
            }
        }
    }

    /// <summary>y[i, j] = table[ids[i], j] of brain floats.</summary>
    public static void GatherHalves(ArrayView<short> table, int tableStep, ArrayView<int> ids, ArrayView<float> y, int width)
    {
        for (int i = Lanes.First; i < y.IntLength; i += Lanes.Step)
        {
            int row = i / width;
            y[i] = Widen(table[(long)ids[row] * tableStep + (i - row * width)]);
        }
    }

    private static float Widen(short x) => Interop.IntAsFloat((uint)(ushort)x << 16);

    private static float Scale(ArrayView<float> x, int start, int end)
    {
        float largest = 0f;
        for (int i = start; i < end; i++)
        {
            float size = x[i] < 0f ? -x[i] : x[i];
            largest = size <= largest ? largest : size; // a NaN is not below and stays, as nothing is below it
            if (!(size <= float.MaxValue)) return float.NaN;
        }

        return largest / 127f;
    }

    private static float Floor(float x)
    {
        float near = G1.Round(new G1(x)).Value;
        return near > x ? near - 1f : near;
    }

    private static sbyte Code(float x) => (sbyte)(x >= -128f ? x <= 127f ? (int)x : 127 : x < -128f ? -128 : 0);

    private static uint Bits(ulong seed, ulong stream, long place)
    {
        Philox.Block(seed, stream, (ulong)place >> 2, out uint a, out uint b, out uint c, out uint d);
        int which = (int)(place & 3);
        return which == 0 ? a : which == 1 ? b : which == 2 ? c : d;
    }
}
