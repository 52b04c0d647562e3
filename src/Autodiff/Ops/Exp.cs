using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>e to the power of x.</summary>
public readonly struct Exp : IMap1<Exp>
{
    /// <inheritdoc/>
    public static Keep Keeps => Keep.Result;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Exp(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Exp formula, V y, V dy) where V : struct, ILane<V> => dy * y;
}

public static partial class TensorOps
{
    /// <summary>e to the power of x, element-wise.</summary>
    /// <remarks>Backward: dx = dy y.</remarks>
    public static Tensor Exp(this Tensor x) => x.Map(new Exp());
}
