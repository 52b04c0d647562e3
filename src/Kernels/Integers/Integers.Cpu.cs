namespace Mayfly;

public readonly partial record struct Integers
{
    private const long Share = 1 << 15;

    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        var job = new ShareJob { A = A.Ints(), B = B.Ints(), Y = Y.Host(), Count = Y.Count, Formula = (int)Formula, Compares = Compares };
        device.Share(ref job, (Y.Count + Share - 1) / Share);
    }

    private unsafe struct ShareJob : IJob
    {
        public int* A, B;
        public byte* Y;
        public long Count;
        public int Formula;
        public bool Compares;

        public readonly void Run(int chunk)
        {
            long end = Math.Min(Count, (chunk + 1) * Share);
            for (long i = chunk * Share; i < end; i++)
            {
                int value = Of(Formula, A[i], B[i]);
                if (Compares) ((float*)Y)[i] = value;
                else ((int*)Y)[i] = value;
            }
        }
    }
}
