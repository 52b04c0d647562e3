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
    public static V DA<V>(Multiply formula, V a, V b, V dy) where V : struct, ILane<V> => dy * b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(Multiply formula, V a, V b, V dy) where V : struct, ILane<V> => dy * a;
}

public static partial class TensorOps
{
    extension(Tensor)
    {
        /// <summary>a b, element-wise; shapes broadcast.</summary>
        /// <remarks>Backward: da = dy b, db = dy a, summed where an input was repeated.</remarks>
        public static Tensor operator *(Tensor a, Tensor b) => a.Map(b, new Multiply());
    }
}
