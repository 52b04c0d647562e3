using ILGPU;

namespace Mayfly;

/// <summary>One step of dense operands; an absent state has no memory.</summary>
internal readonly struct UpdateItem<TOp>(TOp op, ArrayView<float> g, ArrayView<float> p, ArrayView<float> s0, ArrayView<float> s1)
    where TOp : unmanaged, IUpdate<TOp>
{
    public readonly TOp Op = op;
    private readonly ArrayView<float> g = g, p = p, s0 = s0, s1 = s1;

    public int Count => p.IntLength;

    public void Step(TOp op, int i)
    {
        G1 weight = new(p[i]), first = new(s0.Length > 0 ? s0[i] : 0f), second = new(s1.Length > 0 ? s1[i] : 0f);
        op.Step(new G1(g[i]), ref weight, ref first, ref second);
        p[i] = weight.Value;
        if (s0.Length > 0) s0[i] = first.Value;
        if (s1.Length > 0) s1[i] = second.Value;
    }
}

/// <summary>The same with two numbers of the device.</summary>
internal readonly struct NumberedItem<TOp>(UpdateItem<TOp> item, NumberPlace a, NumberPlace b)
    where TOp : unmanaged, IUpdate<TOp>, INumbered<TOp>
{
    public readonly UpdateItem<TOp> Item = item;
    private readonly NumberPlace a = a, b = b;

    /// <summary>The formula with its numbers.</summary>
    public TOp Op(ArrayView<double> cells) => Item.Op.With(a.HyperFrom(cells), b.HyperFrom(cells));
}

/// <summary>Items of one launch. They are named fields, as kernels have no arrays.</summary>
internal struct Eight<T> where T : struct
{
    public const int Room = 8;
    private T a, b, c, d, e, f, g, h;

    public T this[int i]
    {
        readonly get => i < 4 ? i < 2 ? i == 0 ? a : b : i == 2 ? c : d : i < 6 ? i == 4 ? e : f : i == 6 ? g : h;
        set
        {
            if (i == 0) a = value;
            else if (i == 1) b = value;
            else if (i == 2) c = value;
            else if (i == 3) d = value;
            else if (i == 4) e = value;
            else if (i == 5) f = value;
            else if (i == 6) g = value;
            else h = value;
        }
    }
}

/// <summary>The element-wise steps of several operands, one for each line of groups.</summary>
internal static class UpdateKernels
{
    public static void Update<TOp>(Eight<UpdateItem<TOp>> items) where TOp : unmanaged, IUpdate<TOp>
    {
        var item = items[Grid.IdxY];
        for (int i = Lanes.First; i < item.Count; i += Lanes.Step) item.Step(item.Op, i);
    }

    public static void Numbered<TOp>(Eight<NumberedItem<TOp>> items, ArrayView<double> cells)
        where TOp : unmanaged, IUpdate<TOp>, INumbered<TOp>
    {
        var item = items[Grid.IdxY];
        var op = item.Op(cells);
        for (int i = Lanes.First; i < item.Item.Count; i += Lanes.Step) item.Item.Step(op, i);
    }
}

/// <summary>A formula over an operand itself, as a step: with others like it it is one launch.</summary>
internal readonly struct InPlace<TOp>(TOp op) : IUpdate<InPlace<TOp>> where TOp : unmanaged, IMap1<TOp>
{
    private readonly TOp op = op;

    /// <inheritdoc/>
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> => p = op.F(g);
}
