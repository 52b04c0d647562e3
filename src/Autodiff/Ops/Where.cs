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
    public static V DB<V>(KeepWhere op, V a, V b, V dy) where V : struct, ILane<V> => op.F(a, dy);
}

/// <summary>b where a, a condition, is zero; elsewhere a fixed value.</summary>
internal readonly struct FillWhere(float value) : IMap2<FillWhere>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => V.WhereEqual(a, V.Of(0f), b, V.Of(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(FillWhere op, V a, V b, V dy) where V : struct, ILane<V> => V.WhereEqual(a, V.Of(0f), dy, V.Of(0f));
}

/// <summary>Selection by a condition, as comparisons make it: a floating-point tensor of zeros and ones. No gradient reaches the condition.</summary>
public static class WhereOp
{
    /// <summary>a where the condition is not zero, else b; the three shapes broadcast.</summary>
    /// <exception cref="ArgumentException">The shapes do not broadcast, or an input is not floating-point.</exception>
    public static Tensor Where(this Tensor condition, Tensor a, Tensor b)
    {
        var call = Op.Begin("Where", condition, a, b);
        call.CheckFloat(condition, a, b);
        var y = call.New(call.Broadcast(condition.Shape, call.Broadcast(a.Shape, b.Shape)));
        View vc = condition.Read("Where").To(y.Shape), va = a.Read("Where").To(y.Shape), vb = b.Read("Where").To(y.Shape);
        call.Backend.Map3(new Choose(), vc, va, vb, y.Write("Where"));
        return call.Records ? call.Push(y, new WhereNode(call.Save(condition), a.Shape, b.Shape)) : y;
    }

    /// <summary>value where the mask is not zero, else x. The mask's shape broadcasts to that of x.</summary>
    /// <exception cref="ArgumentException">The mask does not fit, or an input is not floating-point.</exception>
    public static Tensor MaskedFill(this Tensor x, Tensor mask, float value)
    {
        var call = Op.Begin("MaskedFill", x, mask);
        call.CheckFloat(x, mask);
        if (mask.Read("MaskedFill").Layout.TryBroadcast(x.Shape) is not { } layout)
            throw call.Error($"a mask {mask.Shape} for a tensor {x.Shape}; the mask's shape must broadcast to the tensor's.");
        var y = call.New(x.Shape);
        call.Backend.Map2(new FillWhere(value), mask.Read("MaskedFill").With(layout), x.Read("MaskedFill"), y.Write("MaskedFill"));
        return call.Records ? call.Push(y, new MaskedFillNode(call.Save(mask))) : y;
    }

    /// <summary>The gradient of input <paramref name="i"/>: the upstream gradient passed through <paramref name="op"/> with the condition.</summary>
    private static void Pass<TOp>(Sweep sweep, int i, TOp op, Saved condition, Shape shape) where TOp : unmanaged, IMap2<TOp>
    {
        View mask = condition.Get("Where").Read("Where").To(sweep.Dy.Shape), dy = sweep.Dy.Read("Where"), none = default;
        if (shape == sweep.Dy.Shape)
        {
            var target = sweep.Target(i);
            sweep.Backend.Map2Back(op, mask, dy, dy, none, false, target.View("Where"), target.Add);
            return;
        }

        using var wide = sweep.Scratch(sweep.Dy.Shape);
        sweep.Backend.Map2Back(op, mask, dy, dy, none, false, wide.Write("Where"), false);
        sweep.SumTo(i, wide);
    }

    private sealed class WhereNode(Saved condition, Shape a, Shape b) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            if (sweep.Needs(1)) Pass(sweep, 1, new KeepWhere(), condition, a);
            if (sweep.Needs(2)) Pass(sweep, 2, new FillWhere(0f), condition, b);
        }

        protected internal override void Release() => condition.Release();
    }

    private sealed class MaskedFillNode(Saved mask) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            if (sweep.Needs(0)) Pass(sweep, 0, new FillWhere(0f), mask, sweep.Dy.Shape);
        }

        protected internal override void Release() => mask.Release();
    }
}
