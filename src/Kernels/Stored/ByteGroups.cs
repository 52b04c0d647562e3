using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mayfly;

/// <summary>
/// 8-bit integers in groups with a scale: a group is the float32 scale s and then up to <see cref="DTypes.GroupSize"/> codes q, and stands
/// for q s. To store numbers, s = (the largest magnitude) / 127, and q is x / s rounded, to nearest or by floor(x / s + u) with a random u
/// in [0, 1). A group with an infinity or NaN becomes all NaN.
/// </summary>
internal static unsafe class ByteGroups
{
    /// <summary>Elements of a group.</summary>
    public const int Size = DTypes.GroupSize;

    private const int Scale = sizeof(float), Largest = 127;
    private const float Least = 1e-12f;

    /// <summary>Reads elements from <paramref name="place"/> on; they may begin and end within groups.</summary>
    public static void Load(byte* block, long place, int count, float* to)
    {
        while (count > 0)
        {
            int within = (int)(place % Size), n = Math.Min(count, Size - within);
            byte* group = block + DType.Int8.Bytes(place - within);
            Load((sbyte*)(group + Scale + within), *(float*)group, n, to);
            (place, count) = (place + n, count - n);
            to += n;
        }
    }

    /// <summary>Writes whole groups, of which the last of a tensor may be shorter.</summary>
    /// <param name="from">The numbers.</param>
    /// <param name="units">A number in [0, 1) for each; null rounds to nearest.</param>
    /// <param name="block">The tensor's memory.</param>
    /// <param name="place">A group's first element.</param>
    /// <param name="count">Elements.</param>
    public static void Store(float* from, float* units, byte* block, long place, int count)
    {
        for (int i = 0; i < count; i += Size)
        {
            byte* group = block + DType.Int8.Bytes(place + i);
            int n = Math.Min(Size, count - i);
            float scale = ScaleOf(from + i, n);
            *(float*)group = scale;
            Codes(from + i, units == null ? null : units + i, n, scale, (sbyte*)(group + Scale));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Load(sbyte* codes, float scale, int count, float* to)
    {
        var s = Vector256.Create(scale);
        int i = 0;
        for (; i <= count - 16; i += 16)
        {
            var (low, high) = Vector128.Widen(Vector128.Load(codes + i));
            (Vector256.ConvertToSingle(Vector256.Create(Vector128.WidenLower(low), Vector128.WidenUpper(low))) * s).Store(to + i);
            (Vector256.ConvertToSingle(Vector256.Create(Vector128.WidenLower(high), Vector128.WidenUpper(high))) * s).Store(to + i + 8);
        }

        for (; i < count; i++) to[i] = codes[i] * scale;
    }

    /// <summary>The largest magnitude / 127; NaN where an element is no finite number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float ScaleOf(float* from, int count)
    {
        float largest = 0;
        for (int i = 0; i < count; i++) largest = MathF.Max(largest, MathF.Abs(from[i]));
        return float.IsFinite(largest) ? largest / Largest : float.NaN;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Codes(float* from, float* units, int count, float scale, sbyte* to)
    {
        float divisor = MathF.Max(scale, Least);
        for (int i = 0; i < count; i++)
        {
            float y = from[i] / divisor, rounded = units == null ? MathF.Round(y) : MathF.Floor(y + units[i]);
            to[i] = (sbyte)Math.Clamp((int)rounded, -128, 127);
        }
    }
}
