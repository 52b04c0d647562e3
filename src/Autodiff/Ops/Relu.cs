using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The rectifier max(0, x) (Nair and Hinton 2010); its derivative at zero is zero.</summary>
public readonly struct Relu : IMap1<Relu>
{
    /// <inheritdoc/>
    public static Keep Keeps => Keep.Result;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Max(V.Of(0f), x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Relu formula, V y, V dy) where V : struct, ILane<V> => V.Where(V.Of(0f), y, dy, V.Of(0f));
}

public static partial class TensorOps
{
    /// <summary>max(0, x), element-wise; the derivative at zero is zero.</summary>
    /// <remarks>Backward: dx = dy where y is above 0, else 0.</remarks>
    public static Tensor Relu(this Tensor x) => x.Map(new Relu());
}
