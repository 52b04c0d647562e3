using System.Runtime.CompilerServices;

namespace Mayfly;

public readonly partial record struct Attend
{
    /// <inheritdoc/>
    public void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        var job = new AttentionForward<L>(this, device.Workspace);
        device.Share(ref job, job.Chunks);
    }
}

/// <summary>
/// The forward pass of attention. A chunk serves one KV head of one sequence, or every so many-th of its query blocks: it packs keys and
/// values once, then makes a block's scores, their softmax over whole rows and the weighted sum of the values. Memory grows with the keys,
/// not with their square.
/// </summary>
/// <typeparam name="L">The vector width.</typeparam>
internal readonly unsafe struct AttentionForward<L> : IJob where L : struct, ISimd<L>
{
    /// <summary>Chunks worth having: fewer would leave threads idle, more would pack the keys too often.</summary>
    private const int EnoughChunks = 16, LeastBlocksPerChunk = 3;

    /// <summary>
    /// So far below the largest score that the weight drops out of the sum, yet is no subnormal number, which would cost a trap.
    /// </summary>
    private const float Negligible = 80f;

    private readonly AttentionShape shape;
    private readonly HeadRows q, k, v, y;
    private readonly float* lse, top;
    private readonly Workspace workspace;
    private readonly int parts;

    public AttentionForward(in Attend call, Workspace workspace)
    {
        shape = new AttentionShape(call);
        (q, k, v, y) = (new HeadRows(call.Q), new HeadRows(call.K), new HeadRows(call.V), new HeadRows(call.Y));
        lse = call.Lse.Floats();
        top = call.Top.Floats();
        this.workspace = workspace;
        int wanted = AttentionShape.Ceiling(EnoughChunks, Math.Max(1, shape.Batch * shape.Groups));
        parts = Math.Max(1, Math.Min(wanted, shape.HeadsPerGroup * shape.Blocks / LeastBlocksPerChunk));
    }

    public int Chunks => shape.Batch * shape.Groups * parts;

    public void Run(int chunk)
    {
        var rented = workspace.Rent((long)new Buffers(null, shape).End);
        var buffers = new Buffers((float*)rented.Pointer, shape);
        int part = chunk % parts, group = chunk / parts % shape.Groups, b = chunk / parts / shape.Groups;
        AttentionPack<L>.TransposedPanel(k.At(b, group), k.Step, shape.Keys, shape.Size, buffers.K);
        AttentionPack<L>.Panel(v.At(b, group), v.Step, shape.Keys, shape.Size, 1f, buffers.V, shape.Keys);
        for (int unit = part; unit < shape.HeadsPerGroup * shape.Blocks; unit += parts)
            Block(shape.Of(b), buffers, b, group * shape.HeadsPerGroup + unit / shape.Blocks, unit % shape.Blocks);
        workspace.Return(rented);
    }

    private void Block(in AttentionShape shape, in Buffers to, int b, int h, int block)
    {
        int start = block * shape.BlockRows, rows = shape.RowsOf(block), padded = AttentionShape.RoundUp(rows, AttentionShape.TileRows);
        AttentionPack<L>.Rows(q.At(b, h, start), q.Step, rows, shape.Size, shape.Scale, to.Q, to.SizeStep);
        int first = shape.FirstKey(b, start, rows);
        AttentionTiles<L>.Scores(shape, first, start, rows, to.Q, to.SizeStep, to.K, to.Scores, to.ScoreStep);
        int most = shape.Seen(start + padded - 1);
        for (int row = 0; row < rows; row++)
        {
            float* scores = to.Scores + row * to.ScoreStep;
            int begin = shape.FirstKey(b, start + row), seen = shape.Seen(start + row);
            if (shape.HasBias) shape.AddBias<L>(scores, b, h, start + row, begin, seen);
            to.Factors[row] = Softmax(scores, first, begin, seen, most, out to.Sums[row], out float largest);
            if (top is not null) top[shape.Place(b, h, start + row)] = Math.Max(largest, Attend.Hidden);
        }

        AttentionTiles<L>.Weigh(shape, first, start, rows, to.Scores, to.ScoreStep, to.V, to.Y, to.SizeStep);
        for (int row = 0; row < rows; row++)
            AttentionPack<L>.Write(to.Y + row * to.SizeStep, to.Factors[row], y.At(b, h, start + row), shape.Size);
        if (lse is not null)
            new Span<float>(to.Sums, rows).CopyTo(new Span<float>(lse + shape.Place(b, h, start), rows));
    }

    /// <summary>
    /// Replaces scores by exp(score - largest), and those from <paramref name="begin"/> to <paramref name="first"/> and from
    /// <paramref name="seen"/> on by zero; returns the reciprocal of the sum, or zero where every score is hidden.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Softmax(float* scores, int begin, int first, int seen, int count, out float logSum, out float largest)
    {
        int padded = AttentionShape.RoundUp(seen, L.Count), start = AttentionShape.RoundDown(first, L.Count);
        for (int i = start; i < first; i++) scores[i] = float.NegativeInfinity;
        for (int i = seen; i < padded; i++) scores[i] = float.NegativeInfinity;
        L most = L.Of(float.NegativeInfinity), sum = default;
        for (int i = start; i < seen; i += L.Count) most = L.MaxNative(most, L.Load(scores + i));
        largest = (float)L.Largest(most);
        if (largest <= Attend.Hidden)
        {
            new Span<float>(scores + begin, count - begin).Clear();
            logSum = -Attend.Hidden;
            return 0f;
        }

        for (int i = start; i < first; i++) scores[i] = largest - Negligible;
        for (int i = seen; i < padded; i++) scores[i] = largest - Negligible;
        most = L.Of(largest);
        for (int i = start; i < seen; i += L.Count)
        {
            L weight = L.Exp(L.Load(scores + i) - most);
            L.Store(scores + i, weight);
            sum += weight;
        }

        if (first > begin) new Span<float>(scores + begin, first - begin).Clear();
        if (count > seen) new Span<float>(scores + seen, count - seen).Clear();
        double total = L.Sum(sum);
        logSum = (float)(largest + Math.Log(total));
        return (float)(1 / total);
    }

    /// <summary>One thread's working memory.</summary>
    private readonly struct Buffers
    {
        public readonly float* K, V, Q, Scores, Y, Factors, Sums, End;
        public readonly int SizeStep, ScoreStep;

        public Buffers(float* start, in AttentionShape shape)
        {
            int width = AttentionTiles<L>.Width, rows = shape.BlockRows, keys = AttentionShape.RoundUp(shape.Keys, width);
            SizeStep = AttentionShape.RoundUp(shape.Size, width);
            ScoreStep = keys + HostMemory.Alignment / sizeof(float); // not a power of two, whose rows would share cache sets
            K = start;
            V = K + (nint)keys * SizeStep;
            Q = V + (nint)keys * SizeStep;
            Scores = Q + rows * SizeStep;
            Y = Scores + (nint)rows * ScoreStep;
            Factors = Y + rows * SizeStep;
            Sums = Factors + rows;
            End = Sums + rows;
        }
    }
}
