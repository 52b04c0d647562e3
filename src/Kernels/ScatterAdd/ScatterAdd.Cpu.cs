using System.Runtime.CompilerServices;

namespace Mayfly;

public readonly partial record struct ScatterAdd
{
    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        long count = Ids.Count, width = Table.Shape[1];
        if (count * width == 0) return;
        var job = new StripsJob<L>
        {
            Dy = Dy.Floats(),
            Ids = Ids.Ints(),
            Table = Table.Floats(),
            Count = count,
            Width = width,
            TableStep = Table.Layout.Strides[0],
            Strip = StripWidth(count, width),
        };
        device.Share(ref job, (width + job.Strip - 1) / job.Strip);
    }

    /// <summary>Whole cache lines, wide enough that a strip is worth a thread, narrow enough for about 16 strips.</summary>
    private static long StripWidth(long count, long width)
    {
        long worth = Math.Max(64, 16384 / count), share = (width + 15) / 16;
        return (Math.Max(worth, share) + 15) / 16 * 16;
    }

    /// <summary>One strip of columns of all rows: every table element has one owner, who meets the ids in their order.</summary>
    private unsafe struct StripsJob<L> : IJob where L : struct, ISimd<L>
    {
        public float* Dy, Table;
        public int* Ids;
        public long Count, Width, TableStep, Strip;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int chunk)
        {
            long start = chunk * Strip, columns = Math.Min(Strip, Width - start);
            for (long i = 0; i < Count; i++) AddRow(Dy + i * Width + start, Table + Ids[i] * TableStep + start, columns);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddRow(float* x, float* y, long n)
        {
            long j = 0;
            for (; j <= n - L.Count; j += L.Count) L.Store(y + j, L.Load(y + j) + L.Load(x + j));
            for (; j < n; j++) y[j] += x[j];
        }
    }
}
