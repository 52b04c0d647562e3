using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>scale x + shift.</summary>
/// <param name="scale">The factor.</param>
/// <param name="shift">The summand.</param>
public readonly struct Affine(Hyper scale, Hyper shift) : IMap1<Affine>
{
    private readonly Hyper scale = scale, shift = shift;

    /// <inheritdoc/>
    public static Keep Keeps => Keep.Nothing;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Fma(x, V.Of(scale), V.Of(shift));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Affine formula, V x, V dy) where V : struct, ILane<V> => dy * V.Of(formula.scale);
}

public static partial class TensorOps
{
    /// <summary>factor x, element-wise; of I32 by a whole factor.</summary>
    /// <remarks>Backward: dx = factor dy.</remarks>
    public static Tensor Scale(this Tensor x, double factor) => x.Type == DType.I32
        ? WithNumber("Scale", x, factor, (a, b) => a * b)
        : x.Map(new Affine(factor, -0f), "Scale");

    extension(Tensor)
    {
        /// <summary>-x, element-wise.</summary>
        /// <remarks>Backward: dx = -dy.</remarks>
        public static Tensor operator -(Tensor x) => x.Type == DType.I32 ? x.Scale(-1) : x.Map(new Affine(-1f, -0f), "Negate");

        /// <summary>x + number, element-wise.</summary>
        /// <remarks>Backward: dx = dy.</remarks>
        public static Tensor operator +(Tensor x, double number) => x.Type == DType.I32
            ? WithNumber("Add", x, number, (a, b) => a + b)
            : x.Map(new Affine(1f, number), "Add");

        /// <summary>number + x, element-wise.</summary>
        /// <remarks>Backward: dx = dy.</remarks>
        public static Tensor operator +(double number, Tensor x) => x + number;

        /// <summary>x - number, element-wise.</summary>
        /// <remarks>Backward: dx = dy.</remarks>
        public static Tensor operator -(Tensor x, double number) => x.Type == DType.I32
            ? WithNumber("Subtract", x, number, (a, b) => a - b)
            : x.Map(new Affine(1f, -number), "Subtract");

        /// <summary>number - x, element-wise.</summary>
        /// <remarks>Backward: dx = -dy.</remarks>
        public static Tensor operator -(double number, Tensor x) => x.Type == DType.I32
            ? WithNumber("Subtract", x, number, (a, b) => b - a)
            : x.Map(new Affine(-1f, number), "Subtract");

        /// <summary>number x, element-wise.</summary>
        /// <remarks>Backward: dx = number dy.</remarks>
        public static Tensor operator *(Tensor x, double number) => x.Scale(number);

        /// <summary>number x, element-wise.</summary>
        /// <remarks>Backward: dx = number dy.</remarks>
        public static Tensor operator *(double number, Tensor x) => x.Scale(number);
    }
}
