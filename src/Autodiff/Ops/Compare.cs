using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Comparisons: floating-point tensors of zeros and ones, shapes broadcast. No gradient passes them, but what they read counts as read: a weight
/// compared inside a checkpointed segment is not stepped before the segment has run again.
/// </summary>
public static class CompareOps
{
    extension(Tensor)
    {
        /// <summary>1 where a &lt; b, else 0.</summary>
        public static Tensor operator <(Tensor a, Tensor b) => Compare(new Less(), "Less", a, b);

        /// <summary>1 where a &gt; b, else 0.</summary>
        public static Tensor operator >(Tensor a, Tensor b) => Compare(new Less(), "Greater", b, a);

        /// <summary>1 where a &lt;= b, else 0.</summary>
        public static Tensor operator <=(Tensor a, Tensor b) => Compare(new LessOrEqual(), "LessOrEqual", a, b);

        /// <summary>1 where a &gt;= b, else 0.</summary>
        public static Tensor operator >=(Tensor a, Tensor b) => Compare(new LessOrEqual(), "GreaterOrEqual", b, a);
    }

    /// <summary>1 where the elements are equal, else 0.</summary>
    public static Tensor EqualTo(this Tensor a, Tensor b) => Compare(new AreEqual(), "EqualTo", a, b);

    private static Tensor Compare<TOp>(TOp op, string name, Tensor a, Tensor b) where TOp : unmanaged, IMap2<TOp>
    {
        var call = Op.Begin(name, a, b);
        call.CheckFloat(a, b);
        var y = call.New(call.Broadcast(a.Shape, b.Shape));
        call.Backend.Map2(op, a.Read(name).To(y.Shape), b.Read(name).To(y.Shape), y.Write(name));
        return y;
    }

    internal readonly struct Less : IMap2<Less>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V F<V>(V a, V b) where V : struct, ILane<V> => V.Where(a, b, V.Of(1f), V.Of(0f));
    }

    internal readonly struct LessOrEqual : IMap2<LessOrEqual>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V F<V>(V a, V b) where V : struct, ILane<V> => V.Where(a, b, V.Of(1f), V.WhereEqual(a, b, V.Of(1f), V.Of(0f)));
    }
}
