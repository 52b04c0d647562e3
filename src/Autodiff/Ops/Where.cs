using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>a where the condition is not zero, else b.</summary>
internal readonly struct Choose : IMap3<Choose>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b, V c) where V : struct, ILane<V> => V.WhereEqual(a, V.Of(0f), c, b);
}

/// <summary>b where a, a condition, is not zero, else zero.</summary>
internal readonly struct KeepWhere : IMap2<KeepWhere>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => V.WhereEqual(a, V.Of(0f), V.Of(0f), b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(KeepWhere formula, V a, V b, V dy) where V : struct, ILane<V> => formula.F(a, dy);
}

/// <summary>b where a, a condition, is zero; elsewhere a fixed value.</summary>
internal readonly struct FillWhere(Hyper value) : IMap2<FillWhere>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => V.WhereEqual(a, V.Of(0f), b, V.Of(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(FillWhere formula, V a, V b, V dy) where V : struct, ILane<V> => V.WhereEqual(a, V.Of(0f), dy, V.Of(0f));
}

public static partial class TensorOps
{
    /// <summary>
    /// a where the condition is not zero, else b; the three shapes broadcast. A condition is what comparisons make: a floating-point tensor
    /// of zeros and ones.
    /// </summary>
    /// <remarks>
    /// Backward: da = dy where the condition is not zero, else 0; db = dy where it is zero, else 0. None reaches the condition.
    /// </remarks>
    /// <exception cref="ArgumentException">The shapes do not broadcast, or an input is not floating-point.</exception>
    public static Tensor Where(this Tensor condition, Tensor a, Tensor b)
    {
        var call = Op.Begin("Where", condition, a, b);
        call.CheckFloat(condition, a, b);
        var y = call.New(call.Broadcast(condition.Shape, call.Broadcast(a.Shape, b.Shape)));
        View vc = call.Read(condition).To(y.Shape), va = call.Read(a).To(y.Shape), vb = call.Read(b).To(y.Shape);
        call.Backend.Map3(new Choose(), vc, va, vb, call.Write(y));
        return call.Records ? call.Push(y, new WhereNode(call.Save(condition), a.Shape, b.Shape)) : y;
    }

    /// <summary>value where the mask is not zero, else x. The mask's shape broadcasts to that of x.</summary>
    /// <remarks>Backward: dx = dy where the mask is zero, else 0. None reaches the mask.</remarks>
    /// <exception cref="ArgumentException">The mask does not fit, or an input is not floating-point.</exception>
    public static Tensor MaskedFill(this Tensor x, Tensor mask, double value)
    {
        var call = Op.Begin("MaskedFill", x, mask);
        call.CheckFloat(x, mask);
        if (call.Read(mask).Layout.TryBroadcast(x.Shape) is not { } layout)
            throw call.Error($"a mask {mask.Shape} for a tensor {x.Shape}; the mask's shape must broadcast to the tensor's.");
        var y = call.New(x.Shape);
        call.Backend.Map2(new FillWhere(value), call.Read(mask).With(layout), call.Read(x), call.Write(y));
        return call.Records ? call.Push(y, new MaskedFillNode(call.Save(mask))) : y;
    }

    /// <summary>A record that passes the upstream gradient through a condition.</summary>
    private abstract class ConditionNode(Saved condition) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        /// <summary>The gradient of input <paramref name="i"/>, of a shape: DB(condition, ., dy).</summary>
        protected void Pass<TFormula>(Sweep sweep, int i, TFormula formula, Shape shape) where TFormula : unmanaged, IMap2<TFormula>
        {
            View mask = Read(condition).To(sweep.Dy.Shape), dy = Read(sweep.Dy), none = default;
            if (shape == sweep.Dy.Shape)
            {
                var target = sweep.Target(i);
                sweep.Backend.Map2Back(formula, mask, dy, dy, none, false, Write(target), target.Add);
                return;
            }

            using var wide = sweep.Scratch(sweep.Dy.Shape);
            sweep.Backend.Map2Back(formula, mask, dy, dy, none, false, Write(wide), false);
            sweep.SumTo(i, wide);
        }
    }

    private sealed class WhereNode(Saved condition, Shape a, Shape b) : ConditionNode(condition)
    {
        protected internal override void Backward(Sweep sweep)
        {
            if (sweep.Needs(1)) Pass(sweep, 1, new KeepWhere(), a);
            if (sweep.Needs(2)) Pass(sweep, 2, new FillWhere(0f), b);
        }
    }

    private sealed class MaskedFillNode(Saved condition) : ConditionNode(condition)
    {
        protected internal override void Backward(Sweep sweep)
        {
            if (sweep.Needs(0)) Pass(sweep, 0, new FillWhere(0f), sweep.Dy.Shape);
        }
    }
}
