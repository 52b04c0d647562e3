using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>scale x + shift.</summary>
/// <param name="scale">The factor.</param>
/// <param name="shift">The summand.</param>
public readonly struct Affine(Hyper scale, Hyper shift) : IMap1<Affine>
{
    private readonly Hyper scale = scale, shift = shift;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Fma(x, V.Of(scale), V.Of(shift));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Affine op, V x, V dy) where V : struct, ILane<V> => dy * V.Of(op.scale);
}

/// <summary>Negation, scaling and arithmetic with plain numbers. Backward saves nothing. Numbers are rounded to single precision.</summary>
public static class AffineOps
{
    /// <summary>factor x, element-wise.</summary>
    public static Tensor Scale(this Tensor x, float factor) => x.MapStateless(new Affine(factor, -0f), "Scale");

    extension(Tensor)
    {
        /// <summary>-x, element-wise.</summary>
        public static Tensor operator -(Tensor x) => x.MapStateless(new Affine(-1f, -0f), "Negate");

        /// <summary>x + number, element-wise.</summary>
        public static Tensor operator +(Tensor x, double number) => x.MapStateless(new Affine(1f, (float)number), "Add");

        /// <summary>number + x, element-wise.</summary>
        public static Tensor operator +(double number, Tensor x) => x + number;

        /// <summary>x - number, element-wise.</summary>
        public static Tensor operator -(Tensor x, double number) => x.MapStateless(new Affine(1f, -(float)number), "Subtract");

        /// <summary>number - x, element-wise.</summary>
        public static Tensor operator -(double number, Tensor x) => x.MapStateless(new Affine(-1f, (float)number), "Subtract");

        /// <summary>number x, element-wise.</summary>
        public static Tensor operator *(Tensor x, double number) => x.Scale((float)number);

        /// <summary>number x, element-wise.</summary>
        public static Tensor operator *(double number, Tensor x) => x.Scale((float)number);
    }
}
