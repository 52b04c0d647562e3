using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>a b.</summary>
public readonly struct Multiply : IMap2<Multiply>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => a * b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DA<V>(Multiply op, V a, V b, V dy) where V : struct, ILane<V> => dy * b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(Multiply op, V a, V b, V dy) where V : struct, ILane<V> => dy * a;
}

/// <summary>The differentiable op.</summary>
public static class MultiplyOp
{
    extension(Tensor)
    {
        /// <summary>a b, element-wise; shapes broadcast.</summary>
        public static Tensor operator *(Tensor a, Tensor b) => a.Map(b, new Multiply(), "Multiply");
    }
}
