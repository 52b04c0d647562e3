using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mayfly;

public readonly partial record struct CrossEntropy
{
    /// <summary>Rows of logits that are worth handing to a thread: some microseconds of exponentials.</summary>
    internal static long RowsPerChunk(long classes) => Math.Max(1, 8192 / Math.Max(1, classes));

    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        long rows = Logits.Shape[0], classes = Logits.Shape[1];
        if (rows == 0) return;
        var job = new RowsJob<L>
        {
            Logits = Logits.Floats(),
            Targets = Targets.Ints(),
            Ignored = IgnoreIndex,
            Lse = Lse.Floats(),
            Loss = Loss.Floats(),
            Rows = rows,
            Classes = classes,
            Share = RowsPerChunk(classes),
        };
        device.Share(ref job, (rows + job.Share - 1) / job.Share);
    }

    /// <summary>
    /// The row is read once from memory: tile by tile the largest logit so far and the sum of exponentials relative to it
    /// (Milakov, Gimelshein: "Online normalizer calculation for softmax", 2018, with tiles in place of elements).
    /// </summary>
    private unsafe struct RowsJob<L> : IJob where L : struct, ISimd<L>
    {
        private const long Tile = 4096;

        public float* Logits, Lse, Loss;
        public int* Targets;
        public int Ignored;
        public long Rows, Classes, Share;

        public readonly void Run(int chunk)
        {
            long end = Math.Min(Rows, (chunk + 1) * Share);
            for (long i = chunk * Share; i < end; i++)
            {
                float* x = Logits + i * Classes;
                float lse = LogSumExp(x, Classes);
                Lse[i] = lse;
                Loss[i] = Targets[i] == Ignored ? 0f : lse - x[Targets[i]];
            }
        }

        private static float LogSumExp(float* x, long n)
        {
            double largest = double.NegativeInfinity, sum = 0;
            for (long j = 0; j < n; j += Tile)
            {
                long count = Math.Min(Tile, n - j);
                double next = Math.Max(largest, Largest(x + j, count));
                // a tile of nothing but negative infinity has no exponentials to add
                if (next == double.NegativeInfinity) continue;
                double before = j == 0 ? 0 : sum * Math.Exp(largest - next);
                sum = before + SumExp(x + j, count, L.Of((float)next));
                largest = next;
            }

            return (float)(largest + Math.Log(sum));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static double Largest(float* x, long n)
        {
            L a = L.Of(float.NegativeInfinity), b = a, c = a, d = a;
            long j = 0;
            for (; j <= n - 4 * L.Count; j += 4 * L.Count)
            {
                a = L.Max(a, L.Load(x + j));
                b = L.Max(b, L.Load(x + j + L.Count));
                c = L.Max(c, L.Load(x + j + 2 * L.Count));
                d = L.Max(d, L.Load(x + j + 3 * L.Count));
            }

            for (; j <= n - L.Count; j += L.Count) a = L.Max(a, L.Load(x + j));
            // a maximum may meet an element twice: the rest is the row's last whole vector
            if (j < n && n >= L.Count) b = L.Max(b, L.Load(x + n - L.Count));
            double largest = Largest(L.Max(L.Max(a, b), L.Max(c, d)));
            if (n < L.Count)
                for (j = 0; j < n; j++) largest = Math.Max(largest, x[j]);
            return largest;
        }

        private static double Largest(L x)
        {
            float* part = stackalloc float[16];
            L.Store(part, x);
            F4 largest = F4.Load(part);
            for (int i = 4; i < L.Count; i += 4) largest = F4.Max(largest, F4.Load(part + i));
            return F4.Largest(largest);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static double SumExp(float* x, long n, L largest)
        {
            L a = L.Of(0f), b = a, c = a, d = a;
            long j = 0;
            for (; j <= n - 4 * L.Count; j += 4 * L.Count)
            {
                a += L.Exp(L.Load(x + j) - largest);
                b += L.Exp(L.Load(x + j + L.Count) - largest);
                c += L.Exp(L.Load(x + j + 2 * L.Count) - largest);
                d += L.Exp(L.Load(x + j + 3 * L.Count) - largest);
            }

            for (; j <= n - L.Count; j += L.Count) a += L.Exp(L.Load(x + j) - largest);
            if (j < n) b += RestExp(x, j, n, largest);
            return L.Sum((a + b) + (c + d));
        }

        /// <summary>
        /// The exponentials from <paramref name="j"/> on, zero beside them: in the row's last whole vector, or in a padded copy of a short
        /// row.
        /// </summary>
        private static L RestExp(float* x, long j, long n, L largest)
        {
            int rest = (int)(n - j);
            if (n < L.Count)
            {
                float* row = stackalloc float[16];
                new Span<float>(row, 16).Fill(float.NegativeInfinity);
                new Span<float>(x, rest).CopyTo(new Span<float>(row, rest));
                return L.Exp(L.Load(row) - largest);
            }

            float* counts = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(ZerosAndOnes));
            return L.Where(L.Of(0f), L.Load(counts + 16 - L.Count + rest), L.Exp(L.Load(x + n - L.Count) - largest), L.Of(0f));
        }

        /// <summary>A vector read <c>r</c> elements past its first whole vector of zeros ends in r ones.</summary>
        private static ReadOnlySpan<float> ZerosAndOnes =>
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    }
}
