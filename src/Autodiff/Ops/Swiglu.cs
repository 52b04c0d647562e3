using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>SwiGLU (Shazeer 2020): silu(gate) up.</summary>
public readonly struct Swiglu : IMap2<Swiglu>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => default(Silu).F(a) * b;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DA<V>(Swiglu formula, V a, V b, V dy) where V : struct, ILane<V> => Mayfly.Silu.D(default, a, dy * b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(Swiglu formula, V a, V b, V dy) where V : struct, ILane<V> => dy * default(Silu).F(a);
}

public static partial class TensorOps
{
    /// <summary>silu(gate) up, element-wise; shapes broadcast.</summary>
    /// <remarks>Backward: dgate = dy up silu'(gate), dup = dy silu(gate), summed where an input was repeated.</remarks>
    public static Tensor Swiglu(this Tensor gate, Tensor up) => gate.Map(up, new Swiglu());
}
