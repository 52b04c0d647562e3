using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The rectifier max(0, x) (Nair and Hinton 2010); its derivative at zero is zero, and at NaN one, as in PyTorch.</summary>
public readonly struct Relu : IMap1<Relu>
{
    /// <inheritdoc/>
    public static Keep Keeps => Keep.Result;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Max(V.Of(0f), x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Relu formula, V y, V dy) where V : struct, ILane<V> => V.WhereEqual(y, V.Of(0f), V.Of(0f), dy);
}

public static partial class TensorOps
{
    /// <summary>max(0, x), element-wise; the derivative at zero is zero.</summary>
    /// <remarks>Backward: dx = 0 where y is 0, else dy, also where y is NaN, as in PyTorch.</remarks>
    public static Tensor Relu(this Tensor x) => x.Map(new Relu());
}
