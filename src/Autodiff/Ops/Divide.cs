using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>a / b.</summary>
public readonly struct Divide : IMap2<Divide>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => a / b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DA<V>(Divide op, V a, V b, V dy) where V : struct, ILane<V> => dy / b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(Divide op, V a, V b, V dy) where V : struct, ILane<V> => -(dy / b) * (a / b);
}

/// <summary>x / divisor.</summary>
internal readonly struct DivideBy(float divisor) : IMap1<DivideBy>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => x / V.Of(divisor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(DivideBy op, V x, V dy) where V : struct, ILane<V> => op.F(dy);
}

/// <summary>dividend / x.</summary>
internal readonly struct DivideInto(float dividend) : IMap1<DivideInto>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Of(dividend) / x;
}

/// <summary>The differentiable op.</summary>
public static class DivideOp
{
    extension(Tensor)
    {
        /// <summary>a / b, element-wise; shapes broadcast.</summary>
        public static Tensor operator /(Tensor a, Tensor b) => a.Map(b, new Divide(), "Divide");

        /// <summary>x / number, element-wise. Backward saves nothing. The number is rounded to single precision.</summary>
        public static Tensor operator /(Tensor x, double number) => x.MapStateless(new DivideBy((float)number), "Divide");

        /// <summary>number / x, element-wise. The number is rounded to single precision.</summary>
        public static Tensor operator /(double number, Tensor x) => x.Map(new DivideInto((float)number), "Divide");
    }
}
