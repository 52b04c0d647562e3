using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>x to a fixed power, with IEEE 754's special values.</summary>
/// <param name="exponent">The power.</param>
public readonly struct Pow(double exponent) : IMap1<Pow>
{
    private readonly Power power = new(exponent), slope = new Power(exponent).Derivative;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => power.Of(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Pow formula, V x, V dy) where V : struct, ILane<V> => dy * formula.slope.Of(x);
}

public static partial class TensorOps
{
    /// <summary>
    /// x to the power of <paramref name="exponent"/>, element-wise, with IEEE 754's special values: x^0 is 1; a fraction of a finite
    /// negative number is NaN.
    /// </summary>
    /// <remarks>Backward: dx = dy exponent x^(exponent - 1), which is 0 where the exponent is 0. Result and derivative are within 2e-7 of
    /// themselves.</remarks>
    public static Tensor Pow(this Tensor x, double exponent) => x.Map(new Pow(exponent));
}
