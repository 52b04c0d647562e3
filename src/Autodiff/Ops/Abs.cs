using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The absolute value; its derivative at zero is zero.</summary>
public readonly struct Abs : IMap1<Abs>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Abs(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Abs formula, V x, V dy) where V : struct, ILane<V> =>
        V.Where(x, V.Of(0f), -dy, V.Where(V.Of(0f), x, dy, V.Of(0f)));
}

public static partial class TensorOps
{
    /// <summary>|x|, element-wise; the derivative at zero is zero.</summary>
    /// <remarks>Backward: dx = dy sign(x).</remarks>
    public static Tensor Abs(this Tensor x) => x.Map(new Abs());
}
