using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>a - b.</summary>
public readonly struct Subtract : IMap2<Subtract>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => a - b;
}

public static partial class TensorOps
{
    extension(Tensor)
    {
        /// <summary>a - b, element-wise; shapes broadcast.</summary>
        /// <remarks>Backward: da = dy, db = -dy, summed where an input was repeated.</remarks>
        public static Tensor operator -(Tensor a, Tensor b)
        {
            var call = Op.Begin("Subtract", a, b);
            var y = call.Map2(new Subtract(), a, b);
            return call.Records ? call.Push(y, new SubtractNode(a.Shape, b.Shape)) : y;
        }
    }

    private sealed class SubtractNode(Shape a, Shape b) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            if (sweep.Needs(0)) Left(sweep);
            if (sweep.Needs(1)) Right(sweep);
        }

        private void Left(Sweep sweep)
        {
            if (a == sweep.Dy.Shape) sweep.GiveDy(0, sweep.Dy);
            else sweep.SumTo(0, sweep.Dy);
        }

        private void Right(Sweep sweep)
        {
            if (b != sweep.Dy.Shape)
            {
                sweep.SumTo(1, sweep.Dy, divisor: -1f);
                return;
            }

            var target = sweep.TargetOverDy(1);
            var dy = Read(sweep.Dy);
            sweep.Backend.MapBack(new Affine(-1f, -0f), dy, dy, Write(target), target.Add);
        }
    }
}
