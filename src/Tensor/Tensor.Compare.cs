namespace Mayfly;

public sealed partial class Tensor
{
    /// <summary>1 where a &lt; b, else 0; shapes broadcast. No gradient passes a comparison.</summary>
    public static Tensor operator <(Tensor a, Tensor b) => Compare(new Less(), "Less", a, b);

    /// <summary>1 where a &gt; b, else 0; shapes broadcast.</summary>
    public static Tensor operator >(Tensor a, Tensor b) => Compare(new Less(), "Greater", b, a);

    /// <summary>1 where a &lt;= b, else 0; shapes broadcast.</summary>
    public static Tensor operator <=(Tensor a, Tensor b) => Compare(new LessOrEqual(), "LessOrEqual", a, b);

    /// <summary>1 where a &gt;= b, else 0; shapes broadcast.</summary>
    public static Tensor operator >=(Tensor a, Tensor b) => Compare(new LessOrEqual(), "GreaterOrEqual", b, a);

    /// <summary>1 where the elements are equal, else 0; shapes broadcast.</summary>
    public Tensor EqualTo(Tensor other) => Compare(new EqualElements(), "EqualTo", this, other);

    private static Tensor Compare<TOp>(TOp op, string name, Tensor a, Tensor b) where TOp : unmanaged, IMap2<TOp>
    {
        var shape = Layout.Broadcast(a.Shape, b.Shape) ?? throw new ArgumentException($"{name}: shapes {a.Shape} and {b.Shape} do not broadcast.");
        if (a.Type != b.Type || a.Type != a.Device.Float) throw new ArgumentException($"{name}: {a.Type} against {b.Type}; both must be {a.Device.Float}.");
        var y = Empty(a.Device, shape, a.Type, Use.Activation, name);
        View va = a.Read(name), vb = b.Read(name);
        a.Device.Backend.Map2(op, va.With(va.Layout.TryBroadcast(shape)!.Value), vb.With(vb.Layout.TryBroadcast(shape)!.Value), y.Write(name));
        return y;
    }

    private readonly struct Less : IMap2<Less>
    {
        public V F<V>(V a, V b) where V : struct, ILane<V> => V.Where(a, b, V.Of(1f), V.Of(0f));
    }

    private readonly struct LessOrEqual : IMap2<LessOrEqual>
    {
        public V F<V>(V a, V b) where V : struct, ILane<V> => V.Where(a, b, V.Of(1f), V.WhereEqual(a, b, V.Of(1f), V.Of(0f)));
    }

    private readonly struct EqualElements : IMap2<EqualElements>
    {
        public V F<V>(V a, V b) where V : struct, ILane<V> => V.WhereEqual(a, b, V.Of(1f), V.Of(0f));
    }
}
