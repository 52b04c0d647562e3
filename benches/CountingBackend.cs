namespace Mayfly.Benches;

/// <summary>Another backend, with a record of what each call must move and compute.</summary>
internal sealed class CountingBackend(Backend inner) : Backend
{
    /// <summary>The calls since the last <see cref="List{T}.Clear"/>, in order. Calls of one thread only.</summary>
    public List<KernelCall> Calls { get; } = [];

    public override string Name => inner.Name;

    public override DType Float => inner.Float;

    public override bool IsAsynchronous => inner.IsAsynchronous;

    public override Block Allocate(long bytes) => inner.Allocate(bytes);

    public override void Free(Block block) => inner.Free(block);

    public override void Synchronize() => inner.Synchronize();

    public override void Dispose() => inner.Dispose();

    public override void Write(in View y, ReadOnlySpan<byte> data)
    {
        Calls.Add(new("Write", data.Length));
        inner.Write(y, data);
    }

    public override void Read(in View x, Span<byte> data)
    {
        Calls.Add(new("Read", data.Length));
        inner.Read(x, data);
    }

    public override void Fill(in View y, double value)
    {
        Calls.Add(new("Fill", Bytes(y)));
        inner.Fill(y, value);
    }

    public override void Copy(in View x, in View y, bool add = false)
    {
        Calls.Add(new("Copy", Bytes(x) + Written(y, add)));
        inner.Copy(x, y, add);
    }

    public override void Map<TOp>(TOp op, in View x, in View y)
    {
        Calls.Add(new($"Map {Formula(op)}", Bytes(x) + Bytes(y)));
        inner.Map(op, x, y);
    }

    public override void MapBack<TOp>(TOp op, in View x, in View dy, in View dx, bool add)
    {
        Calls.Add(new($"MapBack {Formula(op)}", Bytes(x) + Bytes(dy) + Written(dx, add)));
        inner.MapBack(op, x, dy, dx, add);
    }

    public override void Map2<TOp>(TOp op, in View a, in View b, in View y)
    {
        Calls.Add(new($"Map2 {Formula(op)}", Bytes(a) + Bytes(b) + Bytes(y)));
        inner.Map2(op, a, b, y);
    }

    public override void Map2Back<TOp>(TOp op, in View a, in View b, in View dy, in View da, bool addA, in View db, bool addB)
    {
        Calls.Add(new($"Map2Back {Formula(op)}", Bytes(a) + Bytes(b) + Bytes(dy) + Written(da, addA) + Written(db, addB)));
        inner.Map2Back(op, a, b, dy, da, addA, db, addB);
    }

    public override void Map3<TOp>(TOp op, in View a, in View b, in View c, in View y)
    {
        Calls.Add(new($"Map3 {Formula(op)}", Bytes(a) + Bytes(b) + Bytes(c) + Bytes(y)));
        inner.Map3(op, a, b, c, y);
    }

    public override void Fold<TOp>(TOp op, in View x, in View y, bool add)
    {
        Calls.Add(new($"Fold {Formula(op)}", Bytes(x) + Written(y, add)));
        inner.Fold(op, x, y, add);
    }

    public override void Row<TOp>(TOp op, in RowArgs args)
    {
        Calls.Add(new($"Row {Formula(op)}", Inputs(args) + Written(args.Y, args.Add)));
        inner.Row(op, args);
    }

    public override void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB)
    {
        Calls.Add(new($"Column {Formula(op)}", Inputs(args) + Written(sumA, addA) + Written(sumB, addB)));
        inner.Column(op, args, sumA, addA, sumB, addB);
    }

    public override void Update<TOp>(TOp op, in View g, in View p, in View s0, in View s1)
    {
        Calls.Add(new($"Update {Formula(op)}", Bytes(g) + 2 * (Bytes(p) + Bytes(s0) + Bytes(s1))));
        inner.Update(op, g, p, s0, s1);
    }

    public override double SumSquares(in View x)
    {
        Calls.Add(new("SumSquares", Bytes(x)));
        return inner.SumSquares(x);
    }

    public override void SumSquares(ReadOnlySpan<View> views, Span<double> sums)
    {
        foreach (var view in views) Calls.Add(new("SumSquares", Bytes(view)));
        inner.SumSquares(views, sums);
    }

    public override void Gemm<TAct>(TAct act, in GemmArgs args)
    {
        double flops = 2.0 * args.C.Count * args.A.Shape[-1];
        double inputs = Bytes(args.A) + Bytes(args.B) + Bytes(args.Bias) + Bytes(args.Residual);
        string activation = act is Identity ? "" : " " + Formula(act);
        Calls.Add(new($"Gemm {Order(args.A)}{Order(args.B)}{activation}", inputs + Bytes(args.Before) + Written(args.C, args.Beta != 0), flops));
        inner.Gemm(act, args);
    }

    public override void Gather(in View table, in View ids, in View y)
    {
        Calls.Add(new("Gather", Bytes(ids) + 2 * Bytes(y)));
        inner.Gather(table, ids, y);
    }

    /// <summary>As if every row of dy went to a row of the table of its own, as far as it has so many.</summary>
    public override void ScatterAdd(in View dy, in View ids, in View table)
    {
        Calls.Add(new("ScatterAdd", Bytes(ids) + Bytes(dy) + 2 * Math.Min(Bytes(dy), Bytes(table))));
        inner.ScatterAdd(dy, ids, table);
    }

    public override void CrossEntropy(in View logits, in View targets, int ignoreIndex, in View lse, in View loss)
    {
        Calls.Add(new("CrossEntropy", Bytes(logits) + Bytes(targets) + Bytes(lse) + Bytes(loss)));
        inner.CrossEntropy(logits, targets, ignoreIndex, lse, loss);
    }

    public override void CrossEntropyBack(
        in View logits, in View targets, int ignoreIndex, in View lse, in View dloss, float scale, in View dlogits, bool add)
    {
        Calls.Add(new("CrossEntropyBack", Bytes(logits) + Bytes(targets) + Bytes(lse) + Bytes(dloss) + Written(dlogits, add)));
        inner.CrossEntropyBack(logits, targets, ignoreIndex, lse, dloss, scale, dlogits, add);
    }

    /// <summary>Two products: scores and values.</summary>
    public override void Attend(in AttentionArgs args)
    {
        Calls.Add(new("Attend", Bytes(args.Q) + Bytes(args.K) + Bytes(args.V) + Bytes(args.Y) + Bytes(args.Lse), 2 * Product(args)));
        inner.Attend(args);
    }

    /// <summary>Five products: the scores again, and the gradients of weights, queries, keys and values.</summary>
    public override void AttendBack(in AttentionArgs args)
    {
        double inputs = Bytes(args.Q) + Bytes(args.K) + Bytes(args.V) + Bytes(args.Y) + Bytes(args.Lse) + Bytes(args.Dy);
        Calls.Add(new("AttendBack", inputs + Bytes(args.Dq) + Bytes(args.Dk) + Bytes(args.Dv), 5 * Product(args)));
        inner.AttendBack(args);
    }

    public override void Rotate(in View x, in View table, in View y, bool halves, bool inverse, bool add)
    {
        Calls.Add(new("Rotate", Bytes(x) + Bytes(table) + Written(y, add)));
        inner.Rotate(x, table, y, halves, inverse, add);
    }

    public override void Dropout(in View x, in View y, float rate, in RandomKey key, bool add)
    {
        Calls.Add(new("Dropout", Bytes(x) + Written(y, add)));
        inner.Dropout(x, y, rate, key, add);
    }

    public override void Uniform(in View y, in RandomKey key)
    {
        Calls.Add(new("Uniform", Bytes(y)));
        inner.Uniform(y, key);
    }

    /// <summary>The bytes of a view's distinct elements; none of an absent one.</summary>
    private static double Bytes(in View view)
    {
        if (view.IsAbsent) return 0;
        double count = 1;
        for (int axis = 0; axis < view.Shape.Rank; axis++)
            if (view.Layout.Strides[axis] != 0 || view.Shape[axis] == 0) count *= view.Shape[axis];
        return count * view.Type.Size();
    }

    private static double Written(in View view, bool add) => (add ? 2 : 1) * Bytes(view);

    private static double Inputs(in RowArgs args) => Bytes(args.X) + Bytes(args.Dy) + Bytes(args.Gain) + Bytes(args.Bias) + Bytes(args.Stats);

    /// <summary>The operations of one product over all pairs of a query and a key that it sees.</summary>
    private static double Product(in AttentionArgs args)
    {
        double queries = args.Q.Shape[1], keys = args.K.Shape[1];
        double pairs = args.Causal ? queries * (keys - queries) + queries * (queries + 1) / 2 : queries * keys;
        return 2 * args.Q.Shape[0] * args.Q.Shape[2] * args.Q.Shape[3] * pairs;
    }

    /// <summary>N for a matrix with dense rows, T for one with dense columns.</summary>
    private static char Order(in View matrix) => matrix.Layout.Strides[-1] == 1 ? 'N' : 'T';

    private static string Formula<TOp>(TOp op) => op!.GetType().Name;
}
