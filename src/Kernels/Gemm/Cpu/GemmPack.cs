using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Mayfly;

/// <summary>Lines of numbers in memory. One of the two strides is 1.</summary>
/// <param name="Data">The first number.</param>
/// <param name="Line">The distance between neighbouring lines.</param>
/// <param name="Step">The distance between neighbours on a line.</param>
internal readonly unsafe struct GemmLines(float* Data, long Line, long Step)
{
    /// <summary>The first number.</summary>
    public readonly float* Data = Data;

    /// <summary>The distance between neighbouring lines.</summary>
    public readonly long Line = Line;

    /// <summary>The distance between neighbours on a line.</summary>
    public readonly long Step = Step;

    /// <summary>True where each line lies densely, false where the lines lie side by side.</summary>
    public bool LinesAreDense => Step == 1;

    /// <summary>The part from line <paramref name="line"/> and number <paramref name="start"/> on.</summary>
    public GemmLines At(long line, long start) => new(Data + line * Line + start * Step, Line, Step);
}

/// <summary>
/// One operand of a product, seen as lines of K numbers: the rows of A or the columns of B. Numbers that are stored in another type than
/// floats are converted while they are packed.
/// </summary>
internal readonly unsafe struct GemmOperand
{
    /// <summary>The lines; their data is null where the numbers are not floats.</summary>
    public readonly GemmLines Lines;

    private readonly StoredNumbers numbers;
    private readonly long place;

    /// <summary>
    /// An operand of <paramref name="lines"/> lines of <paramref name="depth"/> numbers; the stride of an axis of size 1 does not count.
    /// </summary>
    public GemmOperand(in View view, long lines, long lineStride, long depth, long step)
    {
        numbers = new StoredNumbers(view);
        place = numbers.First;
        float* data = numbers.IsStored ? null : view.Floats();
        Lines = depth <= 1 ? new(data, lineStride, 1) : lines <= 1 && step != 1 ? new(data, 1, step) : new(data, lineStride, step);
    }

    private GemmOperand(in GemmOperand other, long distance)
    {
        (Lines, numbers, place) = (other.Lines, other.numbers, other.place + distance);
        if (!IsStored) Lines = new GemmLines(Lines.Data + distance, Lines.Line, Lines.Step);
    }

    /// <summary>True where the numbers are not floats.</summary>
    public bool IsStored => numbers.IsStored;

    /// <summary>The first number.</summary>
    public float* Data => Lines.Data;

    /// <summary>The distance between neighbouring lines.</summary>
    public long Line => Lines.Line;

    /// <summary>The distance between neighbours on a line.</summary>
    public long Step => Lines.Step;

    /// <summary>True where each line lies densely, false where the lines lie side by side.</summary>
    public bool LinesAreDense => Lines.LinesAreDense;

    /// <summary>The operand <paramref name="distance"/> numbers further.</summary>
    public GemmOperand Move(long distance) => new(this, distance);

    /// <summary>
    /// Lines from <paramref name="first"/> on, of which numbers from <paramref name="start"/> on are wanted: where they lie, or as floats
    /// in memory of this thread, which hold until the next call.
    /// </summary>
    public GemmLines Part(long first, int count, long start, int depth)
    {
        if (!IsStored) return Lines.At(first, start);
        float* to = GemmPackMemory.Lines((long)count * depth);
        if (LinesAreDense)
        {
            for (int i = 0; i < count; i++) Load(first + i, start, depth, to + (long)i * depth);
            return new GemmLines(to, depth, 1);
        }

        for (int p = 0; p < depth; p++) Load(first, start + p, count, to + (long)p * count);
        return new GemmLines(to, 1, count);
    }

    private void Load(long line, long start, int count, float* to) => numbers.Load(place + line * Line + start * Step, count, to);
}

/// <summary>
/// Lays lines of an operand side by side, as the kernel reads them: to[p * width + i] = number p of line i, zero where there is no line.
/// </summary>
internal static unsafe class GemmPack
{
    private const int Group = 4;
    private const int CacheLine = 16;

    /// <summary>
    /// Packs <paramref name="count"/> lines from number <paramref name="start"/> on into slivers of <paramref name="width"/>. Lines that
    /// lie side by side are read row by row, so that each row's cache lines and page are visited once for all slivers.
    /// </summary>
    public static void Slivers(in GemmOperand operand, long first, int count, long start, int depth, int width, float* to)
    {
        int part = operand.IsStored && operand.LinesAreDense ? width : Math.Max(1, count); // what is converted at a time stays in the cache
        for (int i = 0; i < count; i += part)
        {
            int n = Math.Min(part, count - i);
            Slivers(operand.Part(first + i, n, start, depth), n, depth, width, to + (long)i * depth);
        }
    }

    private static void Slivers(in GemmLines x, int count, int depth, int width, float* to)
    {
        int whole = x.LinesAreDense || width % Group != 0 ? 0 : count / width;
        if (whole > 0) CopyRows(x.Data, x.Step, whole, depth, width, to);
        for (int i = whole * width; i < count; i += width)
            Sliver(x.At(i, 0), Math.Min(width, count - i), depth, width, to + (long)i * depth);
    }

    /// <summary>Packs <paramref name="count"/> of at most <paramref name="width"/> lines.</summary>
    private static void Sliver(in GemmLines x, int count, int depth, int width, float* to)
    {
        if (x.LinesAreDense) Transpose(x.Data, x.Line, count, depth, width, to);
        else Copy(x.Data, x.Step, count, depth, width, to);
        if (count < width) ClearRest(count, depth, width, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyRows(float* from, long step, int slivers, int depth, int width, float* to)
    {
        long distance = (long)depth * width;
        for (int p = 0; p < depth; p++, from += step, to += width)
        {
            float* x = from, y = to;
            for (int s = 0; s < slivers; s++, x += width, y += distance)
            {
                if (width == 12)
                {
                    Vector256.Load(x).Store(y);
                    Vector128.Load(x + 8).Store(y + 8);
                }
                else if (width == 32)
                {
                    Vector512.Load(x).Store(y);
                    Vector512.Load(x + 16).Store(y + 16);
                }
                else
                {
                    for (int i = 0; i < width; i += Group) Vector128.Load(x + i).Store(y + i);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(float* from, long step, int count, int depth, int width, float* to)
    {
        if (count == 32) CopyThirtyTwo(from, step, depth, width, to);
        else if (count == 12) CopyTwelve(from, step, depth, width, to);
        else
        {
            for (int p = 0; p < depth; p++, from += step, to += width)
            {
                int i = 0;
                for (; i <= count - Group; i += Group) Vector128.Load(from + i).Store(to + i);
                for (; i < count; i++) to[i] = from[i];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyThirtyTwo(float* from, long step, int depth, int width, float* to)
    {
        for (int p = 0; p < depth; p++, from += step, to += width)
        {
            Vector512.Load(from).Store(to);
            Vector512.Load(from + 16).Store(to + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyTwelve(float* from, long step, int depth, int width, float* to)
    {
        for (int p = 0; p < depth; p++, from += step, to += width)
        {
            Vector256.Load(from).Store(to);
            Vector128.Load(from + 8).Store(to + 8);
        }
    }

    // A cache line of each source line at a time, so that neither side is fetched twice.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose(float* from, long line, int count, int depth, int width, float* to)
    {
        for (int p = 0; p < depth; p += CacheLine)
        {
            int length = Math.Min(CacheLine, depth - p), i = 0;
            if (Avx.IsSupported && length == CacheLine)
                for (; i <= count - 2 * Group; i += 2 * Group) EightLines(from + i * line + p, line, width, to + (long)p * width + i);
            for (; i <= count - Group; i += Group) FourLines(from + i * line + p, line, length, width, to + (long)p * width + i);
            for (; i < count; i++) OneLine(from + i * line + p, length, width, to + (long)p * width + i);
        }
    }

    // Lines 0 to 3 in the lower half of each vector, 4 to 7 in the upper: the loads put them there, so that no shuffle crosses the halves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EightLines(float* r0, long line, int width, float* to)
    {
        float* r4 = r0 + 4 * line;
        for (int p = 0; p < CacheLine; p += Group, r0 += Group, r4 += Group, to += Group * width)
        {
            var x0 = Vector256.Create(Vector128.Load(r0), Vector128.Load(r4));
            var x1 = Vector256.Create(Vector128.Load(r0 + line), Vector128.Load(r4 + line));
            var x2 = Vector256.Create(Vector128.Load(r0 + 2 * line), Vector128.Load(r4 + 2 * line));
            var x3 = Vector256.Create(Vector128.Load(r0 + 3 * line), Vector128.Load(r4 + 3 * line));
            Vector256<float> low01 = Avx.UnpackLow(x0, x1), low23 = Avx.UnpackLow(x2, x3);
            Vector256<float> high01 = Avx.UnpackHigh(x0, x1), high23 = Avx.UnpackHigh(x2, x3);
            Avx.Shuffle(low01, low23, 0x44).Store(to);
            Avx.Shuffle(low01, low23, 0xEE).Store(to + width);
            Avx.Shuffle(high01, high23, 0x44).Store(to + 2 * width);
            Avx.Shuffle(high01, high23, 0xEE).Store(to + 3 * width);
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
        LowerHalves(low01, low23).Store(to);
        UpperHalves(low01, low23).Store(to + width);
        LowerHalves(high01, high23).Store(to + 2 * width);
        UpperHalves(high01, high23).Store(to + 3 * width);
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
    private static Vector128<float> LowerHalves(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.MoveLowToHigh(x, y) : Vector128.Create(x.GetLower(), y.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> UpperHalves(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.MoveHighToLow(y, x) : Vector128.Create(x.GetUpper(), y.GetUpper());

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
