namespace Mayfly;

public readonly partial record struct Gather
{
    /// <inheritdoc/>
    public unsafe void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        long count = Ids.Count, width = Table.Shape[1];
        if (count * width == 0) return;
        if (Table.IsStored)
        {
            var stored = new StoredRowsJob { Gather = this, Table = new StoredNumbers(Table), Rows = Math.Max(1, 16384 / width) };
            device.Share(ref stored, (count + stored.Rows - 1) / stored.Rows);
            return;
        }

        int size = Table.Type.Size();
        var job = new RowsJob
        {
            Table = Table.Host(),
            Ids = Ids.Ints(),
            Y = Y.Host(),
            Count = count,
            RowBytes = width * size,
            TableStep = Table.Layout.Strides[0] * size,
            Rows = Math.Max(1, 16384 / width),
        };
        device.Share(ref job, (count + job.Rows - 1) / job.Rows);
    }

    private unsafe struct StoredRowsJob : IJob
    {
        public Gather Gather;
        public StoredNumbers Table;
        public long Rows;

        public readonly void Run(int chunk)
        {
            long end = Math.Min(Gather.Ids.Count, (chunk + 1) * Rows), step = Gather.Table.Layout.Strides[0];
            int width = (int)Gather.Table.Shape[1];
            int* ids = Gather.Ids.Ints();
            float* y = Gather.Y.Floats();
            for (long i = chunk * Rows; i < end; i++) Table.Load(Table.First + ids[i] * step, width, y + i * width);
        }
    }

    private unsafe struct RowsJob : IJob
    {
        public byte* Table, Y;
        public int* Ids;
        public long Count, RowBytes, TableStep, Rows;

        public readonly void Run(int chunk)
        {
            long end = Math.Min(Count, (chunk + 1) * Rows);
            for (long i = chunk * Rows; i < end; i++)
                Buffer.MemoryCopy(Table + Ids[i] * TableStep, Y + i * RowBytes, RowBytes, RowBytes);
        }
    }
}
