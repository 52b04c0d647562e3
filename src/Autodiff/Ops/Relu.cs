using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The rectifier max(0, x) (Nair and Hinton 2010); its derivative at zero is zero.</summary>
public readonly struct Relu : IMap1<Relu>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Max(V.Of(0f), x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Relu op, V x, V dy) where V : struct, ILane<V> => V.Where(V.Of(0f), x, dy, V.Of(0f));
}

/// <summary>The differentiable op.</summary>
public static class ReluOp
{
    /// <summary>max(0, x), element-wise; the derivative at zero is zero.</summary>
    public static Tensor Relu(this Tensor x) => x.Map(new Relu(), "Relu");
}
