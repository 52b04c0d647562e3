namespace Mayfly;

/// <summary>
/// The differentiable ops as extension methods and operators of <see cref="Tensor"/>: one op, one file. An element-wise op is a formula
/// (<see cref="IMap1{TSelf}"/>, <see cref="IMap2{TSelf}"/>), this library's or a user's, that <c>Map</c> runs.
/// </summary>
public static partial class TensorOps
{
    /// <summary>y = F(x), element-wise.</summary>
    /// <remarks>Backward: dx = dy F'(x), by the formula's <see cref="IMap1{TSelf}.D{V}"/>.</remarks>
    /// <param name="x">Any shape.</param>
    /// <param name="formula">F, which says by <see cref="IMap1{TSelf}.Keeps"/> what is kept for backward.</param>
    /// <param name="name">The op's name in messages; the formula's by default.</param>
    /// <exception cref="ArgumentException">x is not floating-point.</exception>
    public static Tensor Map<TFormula>(this Tensor x, TFormula formula, string? name = null) where TFormula : unmanaged, IMap1<TFormula>
    {
        var call = Op.Begin(name ?? typeof(TFormula).Name, x);
        call.CheckNumbers(x);
        var y = call.New(x.Shape);
        call.Backend.Map(formula, call.Read(x), call.Write(y));
        return call.Records ? call.Push(y, new MapNode<TFormula>(formula, call.SaveFor<TFormula>(x, y))) : y;
    }

    /// <summary>y = F(a, b), element-wise; shapes broadcast by NumPy's rules.</summary>
    /// <remarks>Backward: da = dy dF/da, db = dy dF/db, summed where an input was repeated.</remarks>
    /// <exception cref="ArgumentException">The shapes do not broadcast, or an input is not floating-point.</exception>
    public static Tensor Map<TFormula>(this Tensor a, Tensor b, TFormula formula, string? name = null)
        where TFormula : unmanaged, IMap2<TFormula>
    {
        var call = Op.Begin(name ?? typeof(TFormula).Name, a, b);
        var y = call.Map2(formula, a, b);
        return call.Records ? call.Push(y, new Map2Node<TFormula>(formula, call.Save(a), call.Save(b))) : y;
    }

    /// <summary>y = F(a, b) without a record; shapes broadcast.</summary>
    private static Tensor Map2<TFormula>(this Op call, TFormula formula, Tensor a, Tensor b) where TFormula : unmanaged, IMap2<TFormula>
    {
        if (a.Type == DType.I32 && b.Type == DType.I32 && WholeFormula<TFormula>() is { } whole) return call.Integers(whole, a, b);
        call.CheckNumbers(a, b);
        var y = call.New(call.Broadcast(a.Shape, b.Shape));
        call.Backend.Map2(formula, call.Read(a).To(y.Shape), call.Read(b).To(y.Shape), call.Write(y));
        return y;
    }

    /// <summary>Holds what the formula's derivative is computed from.</summary>
    private static Saved SaveFor<TFormula>(this Op call, Tensor x, Tensor y) where TFormula : unmanaged, IMap1<TFormula> =>
        TFormula.Keeps switch
        {
            Keep.Input => call.Save(x),
            Keep.Result => call.Save(y),
            _ => default,
        };

    /// <summary>The shape both broadcast to.</summary>
    private static Shape Broadcast(this Op call, Shape a, Shape b) => Layout.Broadcast(a, b)
        ?? throw call.Error($"shapes {a} and {b} do not broadcast; sizes must match or be 1, counted from the last axis.");

    private sealed class MapNode<TFormula>(TFormula formula, Saved kept) : Node where TFormula : unmanaged, IMap1<TFormula>
    {
        protected internal override bool TakesAnyStrides => TFormula.Keeps == Keep.Nothing;

        protected internal override bool CanRemake => TFormula.Keeps == Keep.Input && kept.IsHeld;

        protected internal override void Remake(Tensor y) => y.Device.Backend.Map(formula, Read(kept), Write(y));

        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.TargetOverDy(0);
            var dy = Read(sweep.Dy);
            sweep.Backend.MapBack(formula, kept.IsPresent ? Read(kept) : dy, dy, Write(target), target.Add);
        }
    }

    private sealed class Map2Node<TFormula>(TFormula formula, Saved a, Saved b) : Node where TFormula : unmanaged, IMap2<TFormula>
    {
        protected internal override bool CanRemake => a.IsHeld && b.IsHeld;

        protected internal override void Remake(Tensor y) =>
            y.Device.Backend.Map2(formula, Read(a).To(y.Shape), Read(b).To(y.Shape), Write(y));

        protected internal override void Backward(Sweep sweep)
        {
            Shape shape = sweep.Dy.Shape, left = Get(a).Shape, right = Get(b).Shape;
            if (sweep.Needs(0) && sweep.Needs(1) && left == shape && right == shape && !sweep.AreSame(0, 1))
            {
                Both(sweep);
                return;
            }

            if (sweep.Needs(0)) Side(sweep, 0, left);
            if (sweep.Needs(1)) Side(sweep, 1, right);
        }

        /// <summary>One pass for both, the first over the upstream gradient where that is free.</summary>
        private void Both(Sweep sweep)
        {
            Target left = sweep.TargetOverDy(0), right = sweep.Target(1);
            sweep.Backend.Map2Back(formula, Read(a), Read(b), Read(sweep.Dy), Write(left), left.Add, Write(right), right.Add);
        }

        private void Side(Sweep sweep, int i, Shape shape)
        {
            if (shape == sweep.Dy.Shape)
            {
                var target = sweep.Target(i);
                Differentiate(sweep, i, Write(target), target.Add);
                return;
            }

            using var wide = sweep.Scratch(sweep.Dy.Shape);
            Differentiate(sweep, i, Write(wide), add: false);
            sweep.SumTo(i, wide);
        }

        private void Differentiate(Sweep sweep, int i, in View target, bool add)
        {
            var shape = sweep.Dy.Shape;
            View va = Read(a).To(shape), vb = Read(b).To(shape), none = default;
            sweep.Backend.Map2Back(formula, va, vb, Read(sweep.Dy), i == 0 ? target : none, add, i == 1 ? target : none, add);
        }
    }
}
