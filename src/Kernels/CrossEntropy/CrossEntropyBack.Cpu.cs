using System.Runtime.CompilerServices;

namespace Mayfly;

public readonly partial record struct CrossEntropyBack
{
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
            Factor = *Dloss.Floats(),
            Dlogits = Dlogits.Floats(),
            Add = Add,
            Rows = rows,
            Classes = classes,
            Share = CrossEntropy.RowsPerChunk(classes),
        };
        device.Share(ref job, (rows + job.Share - 1) / job.Share);
    }

    private unsafe struct RowsJob<L> : IJob where L : struct, ISimd<L>
    {
        public float* Logits, Lse, Dlogits;
        public int* Targets;
        public int Ignored;
        public float Factor;
        public bool Add;
        public long Rows, Classes, Share;

        public readonly void Run(int chunk)
        {
            long end = Math.Min(Rows, (chunk + 1) * Share);
            for (long i = chunk * Share; i < end; i++)
            {
                float* dx = Dlogits + i * Classes;
                if (Targets[i] != Ignored)
                {
                    Scaled(Logits + i * Classes, dx, Classes, L.Of(Lse[i]), L.Of(Factor), Add);
                    dx[Targets[i]] -= Factor;
                }
                else if (!Add)
                {
                    new Span<float>(dx, checked((int)Classes)).Clear();
                }
            }
        }

        /// <summary>dx (+)= factor * exp(x - lse).</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Scaled(float* x, float* dx, long n, L lse, L factor, bool add)
        {
            long j = 0;
            if (add)
                for (; j <= n - L.Count; j += L.Count) L.Store(dx + j, L.Fma(factor, L.Exp(L.Load(x + j) - lse), L.Load(dx + j)));
            else
                for (; j <= n - L.Count; j += L.Count) L.Store(dx + j, factor * L.Exp(L.Load(x + j) - lse));
            if (j == n) return;
            int rest = (int)(n - j);
            var e = L.Exp(L.LoadPart(x + j, rest) - lse);
            L.StorePart(dx + j, add ? L.Fma(factor, e, L.LoadPart(dx + j, rest)) : factor * e, rest);
        }
    }
}
