using System.Runtime.CompilerServices;

namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Gather(in View table, in View ids, in View y)
    {
        long count = ids.Count, width = table.Shape[1];
        if (count * width == 0) return;
        int size = table.Type.Size();
        var job = new GatherJob
        {
            Table = table.Host(),
            Ids = ids.Ints(),
            Y = y.Host(),
            Count = count,
            RowBytes = width * size,
            TableStep = table.Layout.Strides[0] * size,
            Rows = Math.Max(1, 16384 / width),
        };
        workers.Run(ref job, (int)((count + job.Rows - 1) / job.Rows));
    }

    /// <inheritdoc/>
    public override void ScatterAdd(in View dy, in View ids, in View table)
    {
        long count = ids.Count, width = table.Shape[1];
        if (count * width == 0) return;
        var job = new ScatterAddJob
        {
            Dy = dy.Floats(),
            Ids = ids.Ints(),
            Table = table.Floats(),
            Count = count,
            Width = width,
            TableStep = table.Layout.Strides[0],
            Strip = ScatterAddJob.StripWidth(count, width),
        };
        workers.Run(ref job, (int)((width + job.Strip - 1) / job.Strip));
    }

    private struct GatherJob : IJob
    {
        public byte* Table, Y;
        public int* Ids;
        public long Count, RowBytes, TableStep, Rows;

        public readonly void Run(int chunk)
        {
            long end = Math.Min(Count, (chunk + 1) * Rows);
            for (long i = chunk * Rows; i < end; i++)
                Buffer.MemoryCopy(Table + Ids[i] * TableStep, Y + i * RowBytes, RowBytes, RowBytes);
        }
    }

    /// <summary>One strip of columns of all rows: every table element has one owner, who meets the ids in their order.</summary>
    private struct ScatterAddJob : IJob
    {
        public float* Dy, Table;
        public int* Ids;
        public long Count, Width, TableStep, Strip;

        /// <summary>Whole cache lines, wide enough that a strip is worth a thread, narrow enough for about 16 strips.</summary>
        public static long StripWidth(long count, long width)
        {
            long worth = Math.Max(64, 16384 / count), share = (width + 15) / 16;
            return (Math.Max(worth, share) + 15) / 16 * 16;
        }

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
