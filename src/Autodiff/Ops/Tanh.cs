using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The hyperbolic tangent.</summary>
public readonly struct Tanh : IMap1<Tanh>
{
    /// <inheritdoc/>
    public static Keep Keeps => Keep.Result;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Tanh(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Tanh formula, V y, V dy) where V : struct, ILane<V> => dy * (V.Of(1f) - y * y);
}

public static partial class TensorOps
{
    /// <summary>The hyperbolic tangent, element-wise.</summary>
    /// <remarks>Backward: dx = dy (1 - y^2).</remarks>
    public static Tensor Tanh(this Tensor x) => x.Map(new Tanh());
}
