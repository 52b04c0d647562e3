namespace Mayfly;

public readonly partial record struct Scan
{
    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        long n = X.Shape[1];
        if (X.Count == 0) return;
        var job = new RowsJob { Call = this, X = X.Floats(), Y = Y.Floats(), Rows = Math.Max(1, 8192 / n) };
        device.Share(ref job, (X.Shape[0] + job.Rows - 1) / job.Rows);
    }

    private unsafe struct RowsJob : IJob
    {
        public Scan Call;
        public float* X, Y;
        public long Rows;

        public readonly void Run(int chunk)
        {
            long n = Call.X.Shape[1], end = Math.Min(Call.X.Shape[0], (chunk + 1) * Rows);
            for (long row = chunk * Rows; row < end; row++) Row(X + row * n, Y + row * n, n);
        }

        private readonly void Row(float* x, float* y, long n)
        {
            double total = 0;
            long step = Call.Backwards ? -1 : 1;
            for (long left = n, i = Call.Backwards ? n - 1 : 0; left > 0; left--, i += step)
            {
                total += x[i];
                y[i] = (float)total + (Call.Add ? y[i] : 0);
            }
        }
    }
}
