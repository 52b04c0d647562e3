using System.Runtime.CompilerServices;

namespace Mayfly;

public static partial class TensorOps
{
    extension(Tensor)
    {
        /// <summary>1 where a &lt; b, else 0; shapes broadcast.</summary>
        /// <remarks>Backward: none; no gradient passes.</remarks>
        public static Tensor operator <(Tensor a, Tensor b) => Compare(new Less(), "Less", a, b);

        /// <summary>1 where a &gt; b, else 0; shapes broadcast.</summary>
        /// <remarks>Backward: none; no gradient passes.</remarks>
        public static Tensor operator >(Tensor a, Tensor b) => Compare(new Less(), "Greater", b, a);

        /// <summary>1 where a &lt;= b, else 0; shapes broadcast.</summary>
        /// <remarks>Backward: none; no gradient passes.</remarks>
        public static Tensor operator <=(Tensor a, Tensor b) => Compare(new LessOrEqual(), "LessOrEqual", a, b);

        /// <summary>1 where a &gt;= b, else 0; shapes broadcast.</summary>
        /// <remarks>Backward: none; no gradient passes.</remarks>
        public static Tensor operator >=(Tensor a, Tensor b) => Compare(new LessOrEqual(), "GreaterOrEqual", b, a);

        /// <summary>1 where x &lt; number, else 0; of I32 with a whole number.</summary>
        /// <remarks>Backward: none; no gradient passes.</remarks>
        public static Tensor operator <(Tensor x, double number) => WithNumber("Less", x, number, (a, b) => a < b);

        /// <summary>1 where x &gt; number, else 0; of I32 with a whole number.</summary>
        /// <remarks>Backward: none; no gradient passes.</remarks>
        public static Tensor operator >(Tensor x, double number) => WithNumber("Greater", x, number, (a, b) => a > b);

        /// <summary>1 where x &lt;= number, else 0; of I32 with a whole number.</summary>
        /// <remarks>Backward: none; no gradient passes.</remarks>
        public static Tensor operator <=(Tensor x, double number) => WithNumber("LessOrEqual", x, number, (a, b) => a <= b);

        /// <summary>1 where x &gt;= number, else 0; of I32 with a whole number.</summary>
        /// <remarks>Backward: none; no gradient passes.</remarks>
        public static Tensor operator >=(Tensor x, double number) => WithNumber("GreaterOrEqual", x, number, (a, b) => a >= b);
    }

    /// <summary>1 where the elements are equal, else 0; shapes broadcast.</summary>
    /// <remarks>Backward: none; no gradient passes.</remarks>
    public static Tensor EqualTo(this Tensor a, Tensor b) => Compare(new AreEqual(), "EqualTo", a, b);

    /// <summary>1 where x equals a number, else 0; of I32 a whole one.</summary>
    /// <remarks>Backward: none; no gradient passes.</remarks>
    public static Tensor EqualTo(this Tensor x, double number) => WithNumber("EqualTo", x, number, (a, b) => a.EqualTo(b));

    /// <summary>
    /// A floating-point tensor of zeros and ones. No gradient passes it, but what it reads counts as read: a weight compared inside a
    /// checkpointed segment is not stepped before the segment has run again.
    /// </summary>
    private static Tensor Compare<TFormula>(TFormula formula, string name, Tensor a, Tensor b)
        where TFormula : unmanaged, IMap2<TFormula> =>
        Op.Begin(name, a, b).Map2(formula, a, b);

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
