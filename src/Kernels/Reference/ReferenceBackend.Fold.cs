namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Fold<TOp>(TOp op, in View x, in View y, bool add)
    {
        var totals = new V[y.Count];
        Array.Fill(totals, Start(TOp.Kind));
        var place = Layout.RowMajor(y.Shape).TryBroadcast(x.Shape)!.Value; // where each element of x finds its total
        for (long i = 0; i < x.Count; i++)
        {
            ref V total = ref totals[place.Place(i)];
            total = Join(TOp.Kind, total, op.Map(Get(x, i)));
        }

        for (long i = 0; i < y.Count; i++) Set(y, i, op.Finish(totals[i]), add);
    }

    /// <inheritdoc/>
    public override double SumSquares(in View x)
    {
        double sum = 0;
        for (long i = 0; i < x.Count; i++)
        {
            double number = Number(x, x.Layout.Place(i));
            sum += number * number;
        }

        return sum;
    }

    private static V Start(FoldKind kind) => kind == FoldKind.Sum ? Zero : V.Of(float.NegativeInfinity);

    private static V Join(FoldKind kind, V total, V x) => kind == FoldKind.Sum ? total + x : V.Max(total, x);
}
