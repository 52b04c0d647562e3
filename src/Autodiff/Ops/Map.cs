namespace Mayfly;

/// <summary>Element-wise ops: a formula (<see cref="IMap1{TSelf}"/>, <see cref="IMap2{TSelf}"/>) as a differentiable op, for this library's and for users' formulas.</summary>
public static class MapOps
{
    /// <summary>y = F(x), element-wise. The input is saved for backward.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="op">The formula.</param>
    /// <param name="name">The op's name in messages; the formula's by default.</param>
    /// <exception cref="ArgumentException">x is not floating-point.</exception>
    public static Tensor Map<TOp>(this Tensor x, TOp op, string? name = null) where TOp : unmanaged, IMap1<TOp>
    {
        var call = Op.Begin(name ?? typeof(TOp).Name, x);
        call.CheckFloat(x);
        var y = call.New(x.Shape);
        call.Backend.Map(op, x.Read(call.Name), y.Write(call.Name));
        return call.Records ? call.Push(y, new MapNode<TOp>(op, call.Save(x))) : y;
    }

    /// <summary>y = F(a, b), element-wise; shapes broadcast by NumPy's rules. Both inputs are saved for backward.</summary>
    /// <exception cref="ArgumentException">The shapes do not broadcast, or an input is not floating-point.</exception>
    public static Tensor Map<TOp>(this Tensor a, Tensor b, TOp op, string? name = null) where TOp : unmanaged, IMap2<TOp>
    {
        var call = Op.Begin(name ?? typeof(TOp).Name, a, b);
        call.CheckFloat(a, b);
        var y = call.New(call.Broadcast(a.Shape, b.Shape));
        call.Backend.Map2(op, a.Read(call.Name).To(y.Shape), b.Read(call.Name).To(y.Shape), y.Write(call.Name));
        return call.Records ? call.Push(y, new Map2Node<TOp>(op, call.Save(a), call.Save(b))) : y;
    }

    /// <summary>y = F(x) for a formula whose derivative does not depend on x: nothing is saved.</summary>
    internal static Tensor MapStateless<TOp>(this Tensor x, TOp op, string name) where TOp : unmanaged, IMap1<TOp>
    {
        var call = Op.Begin(name, x);
        call.CheckFloat(x);
        var y = call.New(x.Shape);
        call.Backend.Map(op, x.Read(name), y.Write(name));
        return call.Records ? call.Push(y, new StatelessMapNode<TOp>(op)) : y;
    }

    /// <summary>The shape both broadcast to.</summary>
    internal static Shape Broadcast(this Op call, Shape a, Shape b) =>
        Layout.Broadcast(a, b) ?? throw call.Error($"shapes {a} and {b} do not broadcast; sizes must match or be 1, counted from the last axis.");

    /// <summary>The view repeated to a shape it broadcasts to.</summary>
    internal static View To(this in View x, Shape shape) => x.Shape == shape ? x : x.With(x.Layout.TryBroadcast(shape)!.Value);

    private sealed class MapNode<TOp>(TOp op, Saved x) : Node where TOp : unmanaged, IMap1<TOp>
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.TargetOverDy(0);
            sweep.Backend.MapBack(op, x.Get(Op).Read(Op), sweep.Dy.Read(Op), target.View(Op), target.Add);
        }

        protected internal override void Release() => x.Release();
    }

    private sealed class StatelessMapNode<TOp>(TOp op) : StatelessNode where TOp : unmanaged, IMap1<TOp>
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.TargetOverDy(0);
            var dy = sweep.Dy.Read(Op);
            sweep.Backend.MapBack(op, dy, dy, target.View(Op), target.Add);
        }
    }

    private sealed class Map2Node<TOp>(TOp op, Saved a, Saved b) : Node where TOp : unmanaged, IMap2<TOp>
    {
        protected internal override void Backward(Sweep sweep)
        {
            Shape shape = sweep.Dy.Shape, left = a.Get(Op).Shape, right = b.Get(Op).Shape;
            if (sweep.Needs(0) && sweep.Needs(1) && left == shape && right == shape && !sweep.AreSame(0, 1))
            {
                Both(sweep);
                return;
            }

            if (sweep.Needs(0)) Side(sweep, 0, left);
            if (sweep.Needs(1)) Side(sweep, 1, right);
        }

        protected internal override void Release()
        {
            a.Release();
            b.Release();
        }

        /// <summary>One pass for both, the first over the upstream gradient where that is free.</summary>
        private void Both(Sweep sweep)
        {
            Target left = sweep.TargetOverDy(0), right = sweep.Target(1);
            View va = a.Get(Op).Read(Op), vb = b.Get(Op).Read(Op), dy = sweep.Dy.Read(Op);
            sweep.Backend.Map2Back(op, va, vb, dy, left.View(Op), left.Add, right.View(Op), right.Add);
        }

        private void Side(Sweep sweep, int i, Shape shape)
        {
            if (shape == sweep.Dy.Shape)
            {
                var target = sweep.Target(i);
                Run(sweep, i, target.View(Op), target.Add);
                return;
            }

            using var wide = sweep.Scratch(sweep.Dy.Shape);
            Run(sweep, i, wide.Write(Op), add: false);
            sweep.SumTo(i, wide);
        }

        private void Run(Sweep sweep, int i, in View target, bool add)
        {
            var shape = sweep.Dy.Shape;
            View va = a.Get(Op).Read(Op).To(shape), vb = b.Get(Op).Read(Op).To(shape), none = default;
            sweep.Backend.Map2Back(op, va, vb, sweep.Dy.Read(Op), i == 0 ? target : none, add, i == 1 ? target : none, add);
        }
    }
}
