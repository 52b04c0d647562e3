namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <summary>Multiplications of one product of a batch from which the product itself is shared among the threads.</summary>
    private const long LargeProduct = 1L << 24;

    /// <inheritdoc/>
    public override void Gemm<TAct>(TAct act, in GemmArgs args)
    {
        var first = GemmProduct.Of(args);
        if (first.M == 0 || first.N == 0) return;
        var job = new BatchJob<TAct>(this, act, first, args);
        if ((long)first.M * first.N * first.K < LargeProduct) workers.Run(ref job, job.Count);
        else for (int i = 0; i < job.Count; i++) job.Run(i);
    }

    // A chunk is one product. Inside a chunk the workers are busy, so the product runs on the chunk's own thread.
    private readonly struct BatchJob<TAct>(CpuBackend<L> backend, TAct act, GemmProduct first, in GemmArgs args) : IJob
        where TAct : unmanaged, IMap1<TAct>
    {
        private readonly long a = BatchStride(args.A), b = BatchStride(args.B), c = BatchStride(args.C);

        public int Count { get; } = args.C.Shape.Rank == 3 ? checked((int)args.C.Shape[0]) : 1;

        public void Run(int chunk)
        {
            var x = first;
            x.A = x.A.Move(chunk * a);
            x.B = x.B.Move(chunk * b);
            x.C += chunk * c;
            backend.Multiply(act, x);
        }

        private static long BatchStride(in View x) => x.Shape.Rank == 3 ? x.Layout.Strides[0] : 0;
    }

    private void Multiply<TAct>(TAct act, GemmProduct x) where TAct : unmanaged, IMap1<TAct>
    {
        if (x.Residual == x.C && x.Residual != null)
        {
            AddInPlace(act, x);
            return;
        }

        if (x.IsColumn) x = x.Turned();
        if (GemvJob<L, TAct>.Fits(x))
        {
            var rows = new GemvJob<L, TAct> { Act = act, X = x };
            workers.Run(ref rows, rows.Chunks);
            return;
        }

        if (GemvColumnsJob<L, TAct>.Fits(x))
        {
            var columns = new GemvColumnsJob<L, TAct> { Act = act, X = x };
            workers.Run(ref columns, columns.Chunks);
            return;
        }

        var blocks = new GemmBlocks(x.M, x.N, x.K, GemmKernel<L>.Rows, GemmKernel<L>.Columns);
        float* panel = GemmScratch.Panel((long)blocks.PanelColumns * blocks.PanelDepth);
        for (int j = 0; j < x.N; j += blocks.PanelColumns)
        {
            int columns = Math.Min(blocks.PanelColumns, x.N - j), start = 0;
            do
            {
                int end = Math.Min(x.K, start + blocks.PanelDepth);
                MultiplyPanel(act, x, blocks, new GemmPanel { Data = panel, Column = j, Columns = columns, Start = start, End = end });
                start = end;
            }
            while (start < x.K);
        }
    }

    private void MultiplyPanel<TAct>(TAct act, in GemmProduct x, GemmBlocks blocks, GemmPanel panel) where TAct : unmanaged, IMap1<TAct>
    {
        var pack = new GemmPackJob<L> { X = x, Panel = panel, Depth = blocks.Depth };
        workers.Run(ref pack, pack.Chunks);
        var multiply = new GemmMultiplyJob<L, TAct> { Act = act, X = x, Panel = panel, Blocks = blocks };
        workers.Run(ref multiply, blocks.RowBlocks);
    }

    // Passes before the last would overwrite a residual that lies in C: without an activation it is the old C, else it is set aside.
    private void AddInPlace<TAct>(TAct act, GemmProduct x) where TAct : unmanaged, IMap1<TAct>
    {
        x.Residual = null;
        if (typeof(TAct) == typeof(Identity) && x.Before == null)
        {
            x.Beta += 1f;
            Multiply(act, x);
            return;
        }

        long bytes = checked((long)x.M * x.N * sizeof(float));
        var kept = HostMemory.Allocate(bytes);
        try
        {
            Buffer.MemoryCopy(x.C, kept.Pointer, bytes, bytes);
            x.Residual = (float*)kept.Pointer;
            Multiply(act, x);
        }
        finally
        {
            HostMemory.Free(kept);
        }
    }
}
