using System.Runtime.CompilerServices;

namespace Mayfly;

public readonly partial record struct CrossEntropyBack
{
    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        var rows = new LogitRows(Logits, Targets, IgnoreIndex, Stats);
        var job = new RowsJob<L> { Rows = rows, Factor = *Dloss.Floats(), Dlogits = Dlogits.Floats(), Add = Add };
        device.Share(ref job, rows.Chunks);
    }

    private unsafe struct RowsJob<L> : IJob where L : struct, ISimd<L>
    {
        public LogitRows Rows;
        public float* Dlogits;
        public float Factor;
        public bool Add;

        public readonly void Run(int chunk)
        {
            for (long i = Rows.First(chunk); i < Rows.First(chunk + 1); i++)
            {
                float* dx = Dlogits + i * Rows.Classes;
                int target = Rows.Target(i);
                if (target >= 0) Gradient(Rows.Logits(i), dx, target, Rows.Stats(i));
                else if (!Add) new Span<float>(dx, checked((int)Rows.Classes)).Clear();
            }
        }

        /// <summary>The target's own element is exp(...) - 1 without cancellation; dx may be x.</summary>
        private readonly void Gradient(float* x, float* dx, int target, float* stats)
        {
            double logProbability = (double)x[target] - stats[0] - stats[1];
            float before = Add ? dx[target] : 0f;
            Scaled(x, dx, Rows.Classes, L.Of(stats[0]), L.Of(stats[1]), L.Of(Factor), Add);
            dx[target] = before + Factor * (float)(Math.Exp(logProbability) - 1);
        }

        /// <summary>dx (+)= factor * exp((x - largest) - logSum).</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Scaled(float* x, float* dx, long n, L largest, L logSum, L factor, bool add)
        {
            long j = 0;
            if (add)
                for (; j <= n - L.Count; j += L.Count)
                    L.Store(dx + j, L.Fma(factor, L.Exp(L.Load(x + j) - largest - logSum), L.Load(dx + j)));
            else
                for (; j <= n - L.Count; j += L.Count) L.Store(dx + j, factor * L.Exp(L.Load(x + j) - largest - logSum));
            if (j == n) return;
            int rest = (int)(n - j);
            var e = L.Exp(L.LoadPart(x + j, rest) - largest - logSum);
            L.StorePart(dx + j, add ? L.Fma(factor, e, L.LoadPart(dx + j, rest)) : factor * e, rest);
        }
    }
}
