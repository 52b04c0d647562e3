using System.Runtime.CompilerServices;

namespace Mayfly;

public readonly partial record struct Dropout
{
    private const long Share = 8192;

    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        long count = X.Count;
        if (count == 0) return;
        var job = new ShareJob<L> { X = X.Floats(), Y = Y.Floats(), Count = count, Rate = Rate, Key = Key, Add = Add };
        device.Share(ref job, (count + Share - 1) / Share);
    }

    private unsafe struct ShareJob<L> : IJob where L : struct, ISimd<L>
    {
        private const int Tile = 512;

        public float* X, Y;
        public long Count;
        public float Rate;
        public RandomKey Key;
        public bool Add;

        public readonly void Run(int chunk)
        {
            float* units = stackalloc float[Tile];
            long end = Math.Min(Count, (chunk + 1) * Share);
            for (long i = chunk * Share; i < end; i += Tile)
            {
                int n = (int)Math.Min(Tile, end - i);
                Philox.Units(Key, (ulong)i / 4, units, (n + 31) / 32 * 8);
                Keep(X + i, Y + i, units, n, Rate, Add);
            }
        }

        /// <summary>y (+)= unit &lt; rate ? 0 : x / (1 - rate); a select, so that a dropped infinity is zero.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Keep(float* x, float* y, float* units, int n, float rate, bool add)
        {
            float scale = 1f / (1f - rate);
            L zero = L.Of(0f), scales = L.Of(scale), rates = L.Of(rate);
            int i = 0;
            for (; i <= n - L.Count; i += L.Count)
            {
                L kept = L.Where(L.Load(units + i), rates, zero, L.Load(x + i) * scales);
                L.Store(y + i, add ? L.Load(y + i) + kept : kept);
            }

            for (; i < n; i++)
            {
                float kept = units[i] < rate ? 0f : x[i] * scale;
                y[i] = add ? y[i] + kept : kept;
            }
        }
    }
}
