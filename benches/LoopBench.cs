using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Mayfly;

/// <summary>
/// The loop shapes against hand-written 512-bit loops, in turns within one process. A ratio above 1: the product's loop is slower.
/// </summary>
public static unsafe class LoopBench
{
    private const int Rounds = 15;

    /// <summary>Prints one line a case.</summary>
    public static int Run(string[] args)
    {
        if (!Avx512F.IsSupported)
        {
            Console.WriteLine("loops: the hand-written side needs AVX-512");
            return 0;
        }

        using var device = CpuBackends.Create(1, 512);
        foreach (int count in (int[])[4096, 1 << 16, 1 << 22]) Elements(device, count);
        foreach (var (rows, n) in ((int, int)[])[(512, 768), (4096, 768)]) Rows(device, rows, n);
        return 0;
    }

    private static void Elements(Backend device, int n)
    {
        View x = New(device, n, 3), z = New(device, n, 1), y = New(device, n, 1), w = New(device, n, 1);
        Compare($"exp {n}", n, () => device.Map(default(ExpOp), x, y), () => HandExp(x.Floats(), y.Floats(), n));
        Compare($"gelu {n}", n, () => device.Map(default(GeluOp), x, y), () => HandGelu(x.Floats(), y.Floats(), n));
        Compare($"gelu back, dual lane {n}", n, () => device.MapBack(default(GeluOp), x, z, y, false), () =>
            HandGeluBack(x.Floats(), z.Floats(), y.Floats(), n));
        Compare($"add {n}", n, () => device.Map2(default(AddOp), x, z, y), () => HandAdd(x.Floats(), z.Floats(), y.Floats(), n));
        Compare($"copy {n}", n, () => device.Copy(x, y), () => Buffer.MemoryCopy(x.Floats(), y.Floats(), 4L * n, 4L * n));
        Compare($"adamw {n}", n, () => device.Update(new AdamOp(1e-9f), x, y, z, w), () =>
            HandAdam(x.Floats(), y.Floats(), z.Floats(), w.Floats(), n));
        Compare($"sum {n}", n, () => device.Fold(default(SumOp), x, y.With(Layout.RowMajor(1)), false), () =>
            HandSum(x.Floats(), y.Floats(), n));
        Compare($"sum of squares {n}", n, () => device.SumSquares(x), () => HandSum(x.Floats(), y.Floats(), n));
        Compare($"tanh against exp {n}", n, () => device.Map(default(TanhOp), x, y), () => HandExp(x.Floats(), y.Floats(), n));
        Compare($"erf against exp {n}", n, () => device.Map(default(ErfOp), x, y), () => HandExp(x.Floats(), y.Floats(), n));
        Compare($"log against exp {n}", n, () => device.Map(default(LogOp), w, y), () => HandExp(x.Floats(), y.Floats(), n));
        foreach (var view in (View[])[x, y, z, w]) device.Free(view.Block!);
    }

    private static void Rows(Backend device, int rows, int n)
    {
        View x = New(device, (rows, n), 3), y = New(device, (rows, n), 1), gain = New(device, n, 1), bias = New(device, n, 1),
            stats = New(device, (rows, 2), 1);
        View dy = New(device, (rows, n), 1), turned = y.With(Layout.RowMajor((n, rows)).Transpose(0, 1)), sum = New(device, (1, n), 1);
        long count = (long)rows * n;
        Compare($"layer norm {rows} x {n}", count, () =>
            device.Row(default(NormOp), new RowArgs { X = x, Gain = gain, Bias = bias, Y = y, Stats = stats }),
            () => HandNorm(x.Floats(), gain.Floats(), bias.Floats(), y.Floats(), stats.Floats(), rows, n));
        Compare($"softmax {rows} x {n}", count, () => device.Row(default(SoftmaxOp), new RowArgs { X = x, Y = y }),
            () => HandSoftmax(x.Floats(), y.Floats(), rows, n));
        Compare($"column sums of two {rows} x {n}", count, () =>
            device.Column(default(NormOp), new RowArgs { X = x, Dy = dy, Stats = stats }, gain, true, bias, true),
            () => HandColumns(x.Floats(), dy.Floats(), stats.Floats(), gain.Floats(), bias.Floats(), rows, n));
        Compare($"fold columns {rows} x {n}", count, () => device.Fold(default(SumOp), x, sum, false),
            () => HandColumnSum(x.Floats(), sum.Floats(), rows, n));
        Compare($"add a row vector {rows} x {n}", count, () =>
            device.Map2(default(AddOp), x, gain.With(gain.Layout.TryBroadcast((rows, n))!.Value), y),
            () => HandAdd(x.Floats(), dy.Floats(), y.Floats(), (int)count));
        Compare($"turn {rows} x {n} against copy", count, () => device.Copy(x, turned), () =>
            Buffer.MemoryCopy(x.Floats(), y.Floats(), 4 * count, 4 * count));
        foreach (var view in (View[])[x, y, gain, bias, stats, dy, sum]) device.Free(view.Block!);
    }

    private static View New(Backend device, Shape shape, float scale)
    {
        var view = new View(device.Allocate(4 * shape.Count), DType.F32, Layout.RowMajor(shape));
        var random = new Random(1);
        for (long i = 0; i < shape.Count; i++) view.Floats()[i] = scale * (scale == 3 ? 2 * random.NextSingle() - 1 : random.NextSingle());
        return view;
    }

    private static void Compare(string name, long count, Action product, Action hand)
    {
        double a = double.MaxValue, b = double.MaxValue;
        int repeats = (int)Math.Max(1, 200_000 / count);
        for (int round = 0; round < Rounds; round++)
        {
            a = Math.Min(a, Time(product, repeats));
            b = Math.Min(b, Time(hand, repeats));
        }

        Console.WriteLine($"{name,-44} {a / count * 1e9,7:F3} ns an element, {b / count * 1e9,7:F3} by hand, ratio {a / b:F2}");
    }

    private static double Time(Action action, int repeats)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeats; i++) action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / repeats;
    }

    private readonly struct ExpOp : IMap1<ExpOp>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] public V F<V>(V x) where V : struct, ILane<V> => V.Exp(x);
    }

    private readonly struct TanhOp : IMap1<TanhOp>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] public V F<V>(V x) where V : struct, ILane<V> => V.Tanh(x);
    }

    private readonly struct ErfOp : IMap1<ErfOp>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] public V F<V>(V x) where V : struct, ILane<V> => V.Erf(x);
    }

    private readonly struct LogOp : IMap1<LogOp>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] public V F<V>(V x) where V : struct, ILane<V> => V.Log(x);
    }

    private readonly struct AddOp : IMap2<AddOp>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] public V F<V>(V a, V b) where V : struct, ILane<V> => a + b;
    }

    private readonly struct GeluOp : IMap1<GeluOp>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V F<V>(V x) where V : struct, ILane<V>
        {
            var u = x * V.Of(1.5957691216f) * V.Fma(x * x, V.Of(0.044715f), V.Of(1f));
            return x / (V.Of(1f) + V.Exp(-u));
        }
    }

    private readonly struct SumOp : IFold<SumOp>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] public V Map<V>(V x) where V : struct, ILane<V> => x;

        [MethodImpl(MethodImplOptions.AggressiveInlining)] public V Finish<V>(V total) where V : struct, ILane<V> => total;
    }

    private readonly struct AdamOp(float rate) : IUpdate<AdamOp>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
        {
            s0 = V.Fma(V.Of(0.1f), g, V.Of(0.9f) * s0);
            s1 = V.Fma(V.Of(0.001f), g * g, V.Of(0.999f) * s1);
            p = p * V.Of(0.9999f) - V.Of(rate) * s0 / (V.Sqrt(s1) + V.Of(1e-8f));
        }
    }

    private readonly struct NormOp : IRow<NormOp>, IColumn<NormOp>
    {
        public static int Stages => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
        {
            a = e.X;
            b = e.X * e.X;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
        {
            s.Shift = a / n;
            s.Scale = V.Of(1f) / V.Sqrt(b / n - s.Shift * s.Shift + V.Of(1e-5f));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => V.Fma((e.X - s.Shift) * s.Scale, e.Gain, e.Bias);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add<V>(RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
        {
            a = e.Dy * ((e.X - s.Shift) * s.Scale);
            b = e.Dy;
        }
    }

    private readonly struct SoftmaxOp : IRow<SoftmaxOp>
    {
        public static int Stages => 2;

        public static FoldKind Kind(int stage) => stage == 0 ? FoldKind.Max : FoldKind.Sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
        {
            a = stage == 0 ? e.X : V.Exp(e.X - s.Shift);
            b = stage == 0 ? e.X : V.Of(0f);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
        {
            if (stage == 0) s.Shift = a;
            else s.Scale = V.Of(1f) / a;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => V.Exp(e.X - s.Shift) * s.Scale;
    }

    private static Vector512<float> Of(float x) => Vector512.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Exp(Vector512<float> x)
    {
        x = Avx512F.Max(Avx512F.Min(x, Of(88.7f)), Of(-103f));
        var n = Avx512F.RoundScale(x * Of(1.44269504f), 0x08);
        var r = Vector512.FusedMultiplyAdd(n, Of(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(n, Of(2.12194440e-4f), r);
        var p = Of(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Of(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Of(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Of(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Of(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Of(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Of(1f));
        return Avx512F.Scale(p, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HandExp(float* x, float* y, int n)
    {
        for (int i = 0; i < n; i += 16) Exp(Vector512.Load(x + i)).Store(y + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HandGelu(float* x, float* y, int n)
    {
        for (int i = 0; i < n; i += 16)
        {
            var v = Vector512.Load(x + i);
            var u = v * Of(1.5957691216f) * Vector512.FusedMultiplyAdd(v * v, Of(0.044715f), Of(1f));
            (v / (Of(1f) + Exp(-u))).Store(y + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HandGeluBack(float* x, float* dy, float* dx, int n)
    {
        for (int i = 0; i < n; i += 16)
        {
            var v = Vector512.Load(x + i);
            var z = v * v;
            var u = v * Of(1.5957691216f) * Vector512.FusedMultiplyAdd(z, Of(0.044715f), Of(1f));
            var s = Of(1f) / (Of(1f) + Exp(-u));
            var slope = Of(1.5957691216f) * Vector512.FusedMultiplyAdd(z, Of(0.134145f), Of(1f));
            (Vector512.Load(dy + i) * Vector512.FusedMultiplyAdd(v * s * (Of(1f) - s), slope, s)).Store(dx + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HandAdd(float* x, float* z, float* y, int n)
    {
        for (int i = 0; i < n; i += 16) (Vector512.Load(x + i) + Vector512.Load(z + i)).Store(y + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HandAdam(float* g, float* p, float* m, float* v, int n)
    {
        for (int i = 0; i < n; i += 16)
        {
            var gradient = Vector512.Load(g + i);
            var first = Vector512.FusedMultiplyAdd(Of(0.1f), gradient, Of(0.9f) * Vector512.Load(m + i));
            var second = Vector512.FusedMultiplyAdd(Of(0.001f), gradient * gradient, Of(0.999f) * Vector512.Load(v + i));
            first.Store(m + i);
            second.Store(v + i);
            (Vector512.Load(p + i) * Of(0.9999f) - Of(1e-9f) * first / (Vector512.Sqrt(second) + Of(1e-8f))).Store(p + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HandSum(float* x, float* y, int n)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        for (int i = 0; i < n; i += 64)
        {
            a += Vector512.Load(x + i);
            b += Vector512.Load(x + i + 16);
            c += Vector512.Load(x + i + 32);
            d += Vector512.Load(x + i + 48);
        }

        *y = Vector512.Sum(a + b + (c + d));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HandNorm(float* x, float* gain, float* bias, float* y, float* stats, int rows, int n)
    {
        for (int row = 0; row < rows; row++, x += n, y += n)
        {
            Vector512<float> s = default, q = default;
            for (int i = 0; i < n; i += 16)
            {
                var v = Vector512.Load(x + i);
                s += v;
                q = Vector512.FusedMultiplyAdd(v, v, q);
            }

            float mean = Vector512.Sum(s) / n, deviation = 1f / MathF.Sqrt(Vector512.Sum(q) / n - mean * mean + 1e-5f);
            stats[2 * row] = mean;
            stats[2 * row + 1] = deviation;
            for (int i = 0; i < n; i += 16)
                Vector512.FusedMultiplyAdd((Vector512.Load(x + i) - Of(mean)) * Of(deviation), Vector512.Load(gain + i),
                    Vector512.Load(bias + i)).Store(y + i);
        }
    }

    /// <summary>Exponentiates once and scales what it wrote.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HandSoftmax(float* x, float* y, int rows, int n)
    {
        for (int row = 0; row < rows; row++, x += n, y += n)
        {
            var largest = Of(float.NegativeInfinity);
            for (int i = 0; i < n; i += 16) largest = Avx512F.Max(largest, Vector512.Load(x + i));
            float m = float.NegativeInfinity;
            for (int i = 0; i < 16; i++) m = MathF.Max(m, largest[i]);
            Vector512<float> sum = default;
            for (int i = 0; i < n; i += 16)
            {
                var e = Exp(Vector512.Load(x + i) - Of(m));
                e.Store(y + i);
                sum += e;
            }

            var factor = Of(1f / Vector512.Sum(sum));
            for (int i = 0; i < n; i += 16) (Vector512.Load(y + i) * factor).Store(y + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HandColumns(float* x, float* dy, float* stats, float* a, float* b, int rows, int n)
    {
        for (int row = 0; row < rows; row++, x += n, dy += n)
            for (int i = 0; i < n; i += 16)
            {
                var d = Vector512.Load(dy + i);
                Vector512.FusedMultiplyAdd(d, (Vector512.Load(x + i) - Of(stats[2 * row])) * Of(stats[2 * row + 1]), Vector512.Load(a + i))
                    .Store(a + i);
                (Vector512.Load(b + i) + d).Store(b + i);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HandColumnSum(float* x, float* sum, int rows, int n)
    {
        new Span<float>(sum, n).Clear();
        for (int row = 0; row < rows; row++, x += n)
            for (int i = 0; i < n; i += 16) (Vector512.Load(sum + i) + Vector512.Load(x + i)).Store(sum + i);
    }
}
