using System.Runtime.CompilerServices;

namespace Mayfly;

public readonly partial record struct Uniform
{
    private const long Share = 8192;

    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        var job = new ShareJob<L> { Y = Y.Floats(), Count = Y.Count, Key = Key };
        device.Share(ref job, (Y.Count + Share - 1) / Share);
    }

    private unsafe struct ShareJob<L> : IJob where L : struct, ISimd<L>
    {
        private const int Tile = 512;

        public float* Y;
        public long Count;
        public RandomKey Key;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int chunk)
        {
            float* units = stackalloc float[Tile];
            long end = Math.Min(Count, (chunk + 1) * Share);
            L two = L.Of(2f), shift = L.Of(Philox.Symmetric(0f));
            for (long i = chunk * Share; i < end; i += Tile)
            {
                int n = (int)Math.Min(Tile, end - i), j = 0;
                Philox.Units(Key, (ulong)i / 4, units, (n + 31) / 32 * 8);
                for (; j <= n - L.Count; j += L.Count) L.Store(Y + i + j, L.Fma(two, L.Load(units + j), shift));
                for (; j < n; j++) Y[i + j] = Philox.Symmetric(units[j]);
            }
        }
    }
}
