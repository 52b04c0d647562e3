using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Mayfly;

/// <summary>One operand of a product, seen as lines of K numbers: the rows of A or the columns of B. One of the two strides is 1.</summary>
/// <param name="Data">The first number.</param>
/// <param name="Line">The distance between neighbouring lines.</param>
/// <param name="Step">The distance between neighbours on a line.</param>
internal readonly unsafe struct GemmOperand(float* Data, long Line, long Step)
{
    /// <summary>The first number.</summary>
    public readonly float* Data = Data;

    /// <summary>The distance between neighbouring lines.</summary>
    public readonly long Line = Line;

    /// <summary>The distance between neighbours on a line.</summary>
    public readonly long Step = Step;

    /// <summary>An operand of <paramref name="lines"/> lines of <paramref name="depth"/> numbers; the stride of an axis of size 1 does not count.</summary>
    public static GemmOperand Of(float* data, long lines, long lineStride, long depth, long step) =>
        depth <= 1 ? new(data, lineStride, 1) : lines <= 1 && step != 1 ? new(data, 1, step) : new(data, lineStride, step);

    /// <summary>True where each line lies densely, false where the lines lie side by side.</summary>
    public bool LinesAreDense => Step == 1;

    /// <summary>The operand <paramref name="distance"/> numbers further.</summary>
    public GemmOperand Move(long distance) => new(Data + distance, Line, Step);
}

/// <summary>Lays lines of an operand side by side, as the kernel reads them: to[p * width + i] = number p of line i, zero where there is no line.</summary>
internal static unsafe class GemmPack
{
    private const int Group = 4;
    private const int CacheLine = 16;

    /// <summary>Packs <paramref name="count"/> of at most <paramref name="width"/> lines from number <paramref name="start"/> on.</summary>
    public static void Sliver(in GemmOperand x, long first, int count, long start, int depth, int width, float* to)
    {
        float* from = x.Data + first * x.Line + start * x.Step;
        if (x.LinesAreDense) Transpose(from, x.Line, count, depth, width, to);
        else Copy(from, x.Step, count, depth, width, to);
        if (count < width) ClearRest(count, depth, width, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(float* from, long step, int count, int depth, int width, float* to)
    {
        for (int p = 0; p < depth; p++, from += step, to += width)
        {
            int i = 0;
            for (; i <= count - 8; i += 8) Vector256.Load(from + i).Store(to + i);
            for (; i <= count - Group; i += Group) Vector128.Load(from + i).Store(to + i);
            for (; i < count; i++) to[i] = from[i];
        }
    }

    // A cache line of each source line at a time, so that neither side is fetched twice.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose(float* from, long line, int count, int depth, int width, float* to)
    {
        for (int p = 0; p < depth; p += CacheLine)
        {
            int length = Math.Min(CacheLine, depth - p), i = 0;
            for (; i <= count - Group; i += Group) FourLines(from + i * line + p, line, length, width, to + (long)p * width + i);
            for (; i < count; i++) OneLine(from + i * line + p, length, width, to + (long)p * width + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourLines(float* r0, long line, int length, int width, float* to)
    {
        float* r1 = r0 + line, r2 = r1 + line, r3 = r2 + line;
        int p = 0;
        for (; p <= length - Group; p += Group, to += Group * width)
        {
            Transpose(Vector128.Load(r0 + p), Vector128.Load(r1 + p), Vector128.Load(r2 + p), Vector128.Load(r3 + p), to, width);
        }

        for (; p < length; p++, to += width)
        {
            to[0] = r0[p];
            to[1] = r1[p];
            to[2] = r2[p];
            to[3] = r3[p];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(Vector128<float> x0, Vector128<float> x1, Vector128<float> x2, Vector128<float> x3, float* to, int width)
    {
        Vector128<float> low01 = ZipLow(x0, x1), low23 = ZipLow(x2, x3), high01 = ZipHigh(x0, x1), high23 = ZipHigh(x2, x3);
        Vector128.Create(low01.GetLower(), low23.GetLower()).Store(to);
        Vector128.Create(low01.GetUpper(), low23.GetUpper()).Store(to + width);
        Vector128.Create(high01.GetLower(), high23.GetLower()).Store(to + 2 * width);
        Vector128.Create(high01.GetUpper(), high23.GetUpper()).Store(to + 3 * width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipLow(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackLow(x, y)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(x, y)
        : Vector128.Create(x[0], y[0], x[1], y[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipHigh(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackHigh(x, y)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(x, y)
        : Vector128.Create(x[2], y[2], x[3], y[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OneLine(float* from, int length, int width, float* to)
    {
        for (int p = 0; p < length; p++, to += width) *to = from[p];
    }

    private static void ClearRest(int count, int depth, int width, float* to)
    {
        for (int p = 0; p < depth; p++, to += width) new Span<float>(to + count, width - count).Clear();
    }
}
