namespace Mayfly;

public readonly partial record struct Gemm<TAct>
{
    /// <summary>Multiplications of one product of a batch from which the product itself is shared among the threads.</summary>
    private const long LargeProduct = 1L << 24;

    /// <summary>Rows of a stored result that are computed as floats at a time; any number of such rows fills whole groups.</summary>
    private const int StoredRows = DTypes.GroupSize;

    /// <inheritdoc/>
    public void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        if (C.IsStored)
        {
            IntoStored(device);
            return;
        }

        var first = GemmProduct.Of(this);
        if (first.M == 0 || first.N == 0) return;
        var job = new BatchJob<L>(device, first, this);
        if ((long)first.M * first.N * first.K < LargeProduct) device.Share(ref job, job.Count);
        else for (int i = 0; i < job.Count; i++) job.Run(i);
    }

    /// <summary>C in another type than floats: some rows at a time pass through floats.</summary>
    private void IntoStored<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        if (C.Shape.Rank != 2 || !Bias.IsAbsent || !Before.IsAbsent || !Residual.IsAbsent) throw C.Stored();
        long columns = C.Shape[1];
        var block = device.Workspace.Rent(Math.Min(StoredRows, C.Shape[0]) * columns * sizeof(float));
        for (long row = 0; row < C.Shape[0]; row += StoredRows)
        {
            long rows = Math.Min(StoredRows, C.Shape[0] - row);
            var part = C.With(C.Layout.Slice(0, row, rows));
            var floats = new View(block, DType.F32, Layout.RowMajor((rows, columns)));
            if (Beta != 0) device.Copy(part, floats);
            device.Run(this with { A = A.With(A.Layout.Slice(0, row, rows)), C = floats });
            device.Copy(floats, part);
        }

        device.Workspace.Return(block);
    }

    // A chunk is one product. Inside a chunk the workers are busy, so the product runs on the chunk's own thread.
    private readonly unsafe struct BatchJob<L>(CpuBackend<L> device, GemmProduct first, in Gemm<TAct> gemm) : IJob
        where L : struct, ISimd<L>
    {
        private readonly TAct act = gemm.Act;
        private readonly long a = BatchStride(gemm.A), b = BatchStride(gemm.B), c = BatchStride(gemm.C);

        public int Count { get; } = gemm.C.Shape.Rank == 3 ? checked((int)gemm.C.Shape[0]) : 1;

        public void Run(int chunk)
        {
            var x = first;
            x.A = x.A.Move(chunk * a);
            x.B = x.B.Move(chunk * b);
            x.C += chunk * c;
            Multiply(device, act, x);
        }

        private static long BatchStride(in View x) => x.Shape.Rank == 3 ? x.Layout.Strides[0] : 0;
    }

    private static unsafe void Multiply<L>(CpuBackend<L> device, TAct act, GemmProduct x) where L : struct, ISimd<L>
    {
        if (x.Residual == x.C && x.Residual != null)
        {
            AddInPlace(device, act, x);
            return;
        }

        if (x.IsColumn) x = x.Turned();
        if (GemvJob<L, TAct>.Fits(x))
        {
            var rows = new GemvJob<L, TAct> { Act = act, X = x };
            device.Share(ref rows, rows.Chunks);
            return;
        }

        if (GemvColumnsJob<L, TAct>.Fits(x))
        {
            var columns = new GemvColumnsJob<L, TAct> { Act = act, X = x };
            device.Share(ref columns, columns.Chunks);
            return;
        }

        var blocks = new GemmBlocks(x.M, x.N, x.K, GemmKernel<L>.Rows, GemmKernel<L>.Columns);
        float* panel = GemmPackMemory.Panel((long)blocks.PanelColumns * blocks.PanelDepth);
        for (int j = 0; j < x.N; j += blocks.PanelColumns)
        {
            int columns = Math.Min(blocks.PanelColumns, x.N - j), start = 0;
            do
            {
                int end = Math.Min(x.K, start + blocks.PanelDepth);
                MultiplyPanel(device, act, x, blocks,
                    new GemmPanel { Data = panel, Column = j, Columns = columns, Start = start, End = end });
                start = end;
            }
            while (start < x.K);
        }
    }

    private static void MultiplyPanel<L>(CpuBackend<L> device, TAct act, in GemmProduct x, GemmBlocks blocks, GemmPanel panel)
        where L : struct, ISimd<L>
    {
        var pack = new GemmPackJob<L> { X = x, Panel = panel, Depth = blocks.Depth };
        device.Share(ref pack, pack.Chunks);
        var multiply = new GemmMultiplyJob<L, TAct> { Act = act, X = x, Panel = panel, Blocks = blocks };
        device.Share(ref multiply, blocks.RowBlocks);
    }

    // Passes before the last would overwrite a residual that lies in C: without an activation it is the old C, else it is set aside.
    private static unsafe void AddInPlace<L>(CpuBackend<L> device, TAct act, GemmProduct x) where L : struct, ISimd<L>
    {
        x.Residual = null;
        if (typeof(TAct) == typeof(Identity) && x.Before == null)
        {
            x.Beta += 1f;
            Multiply(device, act, x);
            return;
        }

        long bytes = checked((long)x.M * x.N * sizeof(float));
        var kept = HostMemory.Allocate(bytes);
        try
        {
            Buffer.MemoryCopy(x.C, kept.Pointer, bytes, bytes);
            x.Residual = (float*)kept.Pointer;
            Multiply(device, act, x);
        }
        finally
        {
            HostMemory.Free(kept);
        }
    }
}
