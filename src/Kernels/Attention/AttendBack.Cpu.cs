using System.Runtime.CompilerServices;

namespace Mayfly;

public readonly partial record struct AttendBack
{
    /// <inheritdoc/>
    public void On<L>(CpuBackend<L> device) where L : struct, ISimd<L>
    {
        var job = new AttentionBackward<L>(this, device.Workspace);
        device.Share(ref job, job.Chunks);
    }
}

/// <summary>
/// The backward pass of attention (Dao et al., "FlashAttention", 2022): a chunk owns one KV head of one sequence, so that its dK and dV are
/// summed in a fixed order. Per block of query rows it makes the probabilities again from the saved log-sum-exp, then dV += P' dY, dS = P
/// (dY V' - rowsum(dY Y)), dQ = scale dS K, dK += dS' (scale Q).
/// </summary>
/// <typeparam name="L">The vector width.</typeparam>
internal readonly unsafe struct AttentionBackward<L> : IJob where L : struct, ISimd<L>
{
    private readonly AttentionShape shape;
    private readonly HeadRows q, k, v, y, dy, dq, dk, dv;
    private readonly float* lse;
    private readonly Workspace workspace;

    public AttentionBackward(in AttendBack call, Workspace workspace)
    {
        var forward = call.Forward;
        shape = new AttentionShape(forward);
        (q, k, v, y) = (new HeadRows(forward.Q), new HeadRows(forward.K), new HeadRows(forward.V), new HeadRows(forward.Y));
        (dq, dk, dv, dy) = (new HeadRows(call.Dq), new HeadRows(call.Dk), new HeadRows(call.Dv), new HeadRows(call.Dy));
        lse = forward.Lse.Floats();
        this.workspace = workspace;
    }

    public int Chunks => shape.Batch * shape.Groups;

    public void Run(int chunk)
    {
        var rented = workspace.Rent((long)new Buffers(null, shape).End);
        var buffers = new Buffers((float*)rented.Pointer, shape);
        int group = chunk % shape.Groups, b = chunk / shape.Groups;
        AttentionPack<L>.TransposedPanel(k.At(b, group), k.Step, shape.Keys, shape.Size, buffers.KTurned);
        AttentionPack<L>.TransposedPanel(v.At(b, group), v.Step, shape.Keys, shape.Size, buffers.VTurned);
        AttentionPack<L>.Panel(k.At(b, group), k.Step, shape.Keys, shape.Size, 1f, buffers.K, shape.Keys);
        new Span<float>(buffers.Dk, checked((int)(buffers.End - buffers.Dk))).Clear();
        for (int h = group * shape.HeadsPerGroup; h < (group + 1) * shape.HeadsPerGroup; h++)
            for (int block = 0; block < shape.Blocks; block++) Block(shape.Of(b), buffers, b, h, block);
        for (int s = 0; s < shape.Keys; s++)
        {
            AttentionPack<L>.Write(buffers.Dk + (nint)s * buffers.SizeStep, 1f, dk.At(b, group, s), shape.Size);
            AttentionPack<L>.Write(buffers.Dv + (nint)s * buffers.SizeStep, 1f, dv.At(b, group, s), shape.Size);
        }

        workspace.Return(rented);
    }

    private void Block(in AttentionShape shape, in Buffers to, int b, int h, int block)
    {
        int start = block * shape.BlockRows, rows = shape.RowsOf(block);
        int first = shape.FirstKey(b, start, rows);
        PackQueries(to, b, h, start, rows);
        AttentionTiles<L>.Scores(shape, first, start, rows, to.Q, to.SizeStep, to.KTurned, to.P, to.ScoreStep);
        AttentionTiles<L>.Scores(shape, first, start, rows, to.Dy, to.SizeStep, to.VTurned, to.Ds, to.ScoreStep);
        ScoreGradients(shape, to, b, h, first, start, rows);
        AttentionTiles<L>.AddTransposed(shape, first, start, rows, to.P, to.ScoreStep, to.DyPanel, to.Dv, to.SizeStep);
        AttentionTiles<L>.AddTransposed(shape, first, start, rows, to.Ds, to.ScoreStep, to.QPanel, to.Dk, to.SizeStep);
        AttentionTiles<L>.Weigh(shape, first, start, rows, to.Ds, to.ScoreStep, to.K, to.Dq, to.SizeStep);
        for (int row = 0; row < rows; row++)
            AttentionPack<L>.Write(to.Dq + row * to.SizeStep, shape.Scale, dq.At(b, h, start + row), shape.Size);
    }

    private void PackQueries(in Buffers to, int b, int h, int start, int rows)
    {
        float* from = q.At(b, h, start), upstream = dy.At(b, h, start);
        AttentionPack<L>.Rows(from, q.Step, rows, shape.Size, shape.Scale, to.Q, to.SizeStep);
        AttentionPack<L>.Rows(upstream, dy.Step, rows, shape.Size, 1f, to.Dy, to.SizeStep);
        if (to.QPanel == to.Q) return;
        AttentionPack<L>.Panel(from, q.Step, rows, shape.Size, shape.Scale, to.QPanel, shape.BlockRows);
        AttentionPack<L>.Panel(upstream, dy.Step, rows, shape.Size, 1f, to.DyPanel, shape.BlockRows);
    }

    private void ScoreGradients(in AttentionShape shape, in Buffers to, int b, int h, int first, int start, int rows)
    {
        int padded = AttentionShape.RoundUp(rows, AttentionShape.TileRows);
        int count = AttentionShape.RoundUp(shape.Seen(start + padded - 1), AttentionShape.TileRows);
        int begin = AttentionShape.RoundDown(first, AttentionShape.TileRows);
        float* logSums = lse + ((nint)b * shape.Heads + h) * shape.Queries + start;
        for (int row = 0; row < rows; row++)
        {
            float mean = AttentionPack<L>.Dot(y.At(b, h, start + row), to.Dy + row * to.SizeStep, shape.Size);
            float* p = to.P + row * to.ScoreStep, ds = to.Ds + row * to.ScoreStep;
            int begins = shape.FirstKey(b, start + row), seen = shape.Seen(start + row);
            if (shape.HasBias) shape.AddBias<L>(p, b, h, start + row, begins, seen);
            ScoreGradient(p, ds, logSums[row], mean, begin, begins, seen, count);
        }
    }

    /// <summary>
    /// p: scores become probabilities; ds: gradients of probabilities become those of scores; both zero from <paramref name="begin"/> to
    /// <paramref name="first"/> and from <paramref name="seen"/> on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScoreGradient(float* p, float* ds, float logSum, float mean, int begin, int first, int seen, int count)
    {
        L sum = L.Of(logSum), center = L.Of(mean);
        for (int i = AttentionShape.RoundDown(first, L.Count); i < seen; i += L.Count)
        {
            L probability = L.Exp(L.Load(p + i) - sum);
            L.Store(p + i, probability);
            L.Store(ds + i, probability * (L.Load(ds + i) - center));
        }

        Clear(p, ds, begin, first);
        Clear(p, ds, seen, count);
    }

    private static void Clear(float* p, float* ds, int from, int to)
    {
        if (to <= from) return;
        new Span<float>(p + from, to - from).Clear();
        new Span<float>(ds + from, to - from).Clear();
    }

    /// <summary>One thread's working memory.</summary>
    private readonly struct Buffers
    {
        public readonly float* KTurned, VTurned, K, Q, QPanel, Dy, DyPanel, Dq, P, Ds, Dk, Dv, End;
        public readonly int SizeStep, ScoreStep;

        public Buffers(float* start, in AttentionShape shape)
        {
            int width = AttentionTiles<L>.Width, rows = shape.BlockRows, keys = AttentionShape.RoundUp(shape.Keys, width);
            SizeStep = AttentionShape.RoundUp(shape.Size, width);
            ScoreStep = keys + HostMemory.Alignment / sizeof(float); // not a power of two, whose rows would share cache sets
            nint ofKeys = (nint)keys * SizeStep, ofRows = (nint)rows * SizeStep, ofScores = (nint)rows * ScoreStep;
            KTurned = start;
            VTurned = KTurned + ofKeys;
            K = VTurned + ofKeys;
            Q = K + ofKeys;
            nint ofPanels = SizeStep == width ? 0 : ofRows; // dense rows of one sliver's width are a panel
            QPanel = Q + ofPanels;
            Dy = QPanel + ofRows;
            DyPanel = Dy + ofPanels;
            Dq = DyPanel + ofRows;
            P = Dq + ofRows;
            Ds = P + ofScores;
            Dk = Ds + ofScores;
            nint ofGradients = (nint)AttentionShape.RoundUp(shape.Keys, AttentionShape.TileRows) * SizeStep;
            Dv = Dk + ofGradients;
            End = Dv + ofGradients;
        }
    }
}
