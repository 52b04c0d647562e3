using System.Buffers;

namespace Mayfly;

public readonly partial record struct Order
{
    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        if (X.Count == 0) return;
        var job = new RowJob { Call = this, X = X.Floats(), Values = Values.Floats(), Places = Places.Ints() };
        device.Share(ref job, X.Shape[0]);
    }

    /// <summary>
    /// The bits of a number as an integer of the same order, in which zeros are equal and NaN is the largest; turned around for descending.
    /// </summary>
    private static int Key(float x, bool descending)
    {
        int bits = float.IsNaN(x) ? int.MaxValue : BitConverter.SingleToInt32Bits(x + 0f);
        int key = bits < 0 ? bits ^ int.MaxValue : bits;
        return descending ? ~key : key;
    }

    private unsafe struct RowJob : IJob
    {
        public Order Call;
        public float* X, Values;
        public int* Places;

        public readonly void Run(int row)
        {
            int n = (int)Call.X.Shape[1], k = (int)Call.Values.Shape[1];
            float* x = X + (long)row * n;
            long[] keys = ArrayPool<long>.Shared.Rent(n);
            try
            {
                // the place in the low half: what is equal stays in its order
                for (int i = 0; i < n; i++) keys[i] = ((long)Key(x[i], Call.Descending) << 32) + i;
                if (k == 1) keys[0] = Smallest(keys.AsSpan(0, n));
                else Array.Sort(keys, 0, n);
                for (int i = 0; i < k; i++) Put(x, (long)row * k + i, (int)keys[i]);
            }
            finally
            {
                ArrayPool<long>.Shared.Return(keys);
            }
        }

        private static long Smallest(ReadOnlySpan<long> keys)
        {
            long smallest = keys[0];
            foreach (long key in keys) smallest = Math.Min(smallest, key);
            return smallest;
        }

        private readonly void Put(float* x, long target, int place)
        {
            Values[target] = x[place];
            Places[target] = place;
        }
    }
}
