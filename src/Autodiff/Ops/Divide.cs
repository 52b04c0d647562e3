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
    public static V DA<V>(Divide formula, V a, V b, V dy) where V : struct, ILane<V> => dy / b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(Divide formula, V a, V b, V dy) where V : struct, ILane<V> => -(dy / b) * (a / b);
}

/// <summary>x / divisor.</summary>
internal readonly struct DivideBy(Hyper divisor) : IMap1<DivideBy>
{
    public static Keep Keeps => Keep.Nothing;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => x / V.Of(divisor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(DivideBy formula, V x, V dy) where V : struct, ILane<V> => formula.F(dy);
}

/// <summary>dividend / x.</summary>
internal readonly struct DivideInto(Hyper dividend) : IMap1<DivideInto>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Of(dividend) / x;
}

public static partial class TensorOps
{
    extension(Tensor)
    {
        /// <summary>a / b, element-wise; shapes broadcast.</summary>
        /// <remarks>Backward: da = dy / b, db = -dy a / b^2, summed where an input was repeated.</remarks>
        public static Tensor operator /(Tensor a, Tensor b) => a.Map(b, new Divide());

        /// <summary>x / number, element-wise.</summary>
        /// <remarks>Backward: dx = dy / number.</remarks>
        public static Tensor operator /(Tensor x, double number) => x.Map(new DivideBy(number), "Divide");

        /// <summary>number / x, element-wise.</summary>
        /// <remarks>Backward: dx = -dy number / x^2.</remarks>
        public static Tensor operator /(double number, Tensor x) => x.Map(new DivideInto(number), "Divide");
    }
}
