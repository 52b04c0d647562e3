using System.Runtime.CompilerServices;
using Mayfly;

namespace Extending;

/// <summary>Softsign (Bergstra et al. 2009): x / (1 + |x|).</summary>
public readonly struct Softsign : IMap1<Softsign>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => x / (V.Of(1f) + V.Abs(x));
}

/// <summary>The differentiable op.</summary>
public static partial class MyOps
{
    /// <summary>x / (1 + |x|), element-wise.</summary>
    public static Tensor Softsign(this Tensor x) => x.Map(new Softsign(), "Softsign");
}
