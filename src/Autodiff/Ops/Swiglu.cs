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
    public static V DA<V>(Swiglu op, V a, V b, V dy) where V : struct, ILane<V> => Mayfly.Silu.D(default, a, dy * b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(Swiglu op, V a, V b, V dy) where V : struct, ILane<V> => dy * default(Silu).F(a);
}

/// <summary>The differentiable op.</summary>
public static class SwigluOp
{
    /// <summary>silu(gate) up, element-wise; shapes broadcast.</summary>
    public static Tensor Swiglu(this Tensor gate, Tensor up) => gate.Map(up, new Swiglu(), "Swiglu");
}
