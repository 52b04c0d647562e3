using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mayfly;

public readonly partial record struct CrossEntropy
{
    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        var rows = new LogitRows(Logits, Targets, IgnoreIndex, Stats);
        var job = new RowsJob<L> { Rows = rows, Loss = Loss.Floats() };
        device.Share(ref job, rows.Chunks);
    }

    /// <summary>
    /// The row is read once from memory: tile by tile the largest logit so far and the sum of exponentials relative to it
    /// (Milakov, Gimelshein: "Online normalizer calculation for softmax", 2018, with tiles in place of elements).
    /// </summary>
    private unsafe struct RowsJob<L> : IJob where L : struct, ISimd<L>
    {
        private const long Tile = 4096;

        public LogitRows Rows;
        public float* Loss;

        public readonly void Run(int chunk)
        {
            for (long i = Rows.First(chunk); i < Rows.First(chunk + 1); i++)
            {
                float* x = Rows.Logits(i), stats = Rows.Stats(i);
                var (largest, sum) = SumExp(x, Rows.Classes);
                double logSum = Math.Log(sum);
                (stats[0], stats[1]) = ((float)largest, (float)logSum);
                int target = Rows.Target(i);
                Loss[i] = target < 0 ? 0f : (float)(largest - x[target] + logSum);
            }
        }

        private static (double Largest, double Sum) SumExp(float* x, long n)
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

            return (largest, sum);
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

        /// <summary>
        /// The sum of a tile. Four vectors are added in a tree, and what rounding takes from the sum is summed beside it: the error does
        /// not grow with the row, for any width.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static double SumExp(float* x, long n, L largest)
        {
            L sum = L.Of(0f), rest = sum;
            long j = 0;
            for (; j <= n - 4 * L.Count; j += 4 * L.Count)
            {
                L a = L.Exp(L.Load(x + j) - largest), b = L.Exp(L.Load(x + j + L.Count) - largest);
                L c = L.Exp(L.Load(x + j + 2 * L.Count) - largest), d = L.Exp(L.Load(x + j + 3 * L.Count) - largest);
                Add((a + b) + (c + d), ref sum, ref rest);
            }

            for (; j <= n - L.Count; j += L.Count) Add(L.Exp(L.Load(x + j) - largest), ref sum, ref rest);
            if (j < n) Add(RestExp(x, j, n, largest), ref sum, ref rest);
            return Total(sum) + Total(rest);
        }

        /// <summary>Adds a term to the sum, and what the sum loses by it to <paramref name="rest"/> (Knuth's TwoSum).</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Add(L term, ref L sum, ref L rest)
        {
            L next = sum + term, taken = next - sum;
            rest += (sum - (next - taken)) + (term - taken);
            sum = next;
        }

        private static double Total(L x)
        {
            float* part = stackalloc float[16];
            L.Store(part, x);
            double even = 0, odd = 0;
            for (int i = 0; i < L.Count; i += 2)
            {
                even += part[i];
                odd += part[i + 1];
            }

            return even + odd;
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
