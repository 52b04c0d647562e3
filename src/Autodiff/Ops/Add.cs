using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>a + b.</summary>
public readonly struct Add : IMap2<Add>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => a + b;
}

public static partial class TensorOps
{
    extension(Tensor)
    {
        /// <summary>a + b, element-wise; shapes broadcast.</summary>
        /// <remarks>Backward: da = dy, db = dy, summed where an input was repeated. dy is handed on without a copy.</remarks>
        public static Tensor operator +(Tensor a, Tensor b)
        {
            var call = Op.Begin("Add", a, b);
            var y = call.Map2(new Add(), a, b);
            return call.Records ? call.Push(y, new AddNode(a.Shape, b.Shape)) : y;
        }
    }

    private sealed class AddNode(Shape a, Shape b) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            Side(sweep, 0, a);
            Side(sweep, 1, b);
        }

        private static void Side(Sweep sweep, int i, Shape shape)
        {
            if (!sweep.Needs(i)) return;
            if (shape == sweep.Dy.Shape) sweep.GiveDy(i, sweep.Dy);
            else sweep.SumTo(i, sweep.Dy);
        }
    }
}
