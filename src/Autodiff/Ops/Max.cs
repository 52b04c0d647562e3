using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The largest element.</summary>
internal readonly struct Largest : IFold<Largest>
{
    public static FoldKind Kind => FoldKind.Max;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Map<V>(V x) where V : struct, ILane<V> => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Finish<V>(V total) where V : struct, ILane<V> => total;
}

/// <summary>1 where a and b are equal, else 0.</summary>
internal readonly struct AreEqual : IMap2<AreEqual>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => V.WhereEqual(a, b, V.Of(1f), V.Of(0f));
}

/// <summary>The largest element over axes. The gradient is shared evenly by all elements that equal the largest.</summary>
public static class MaxOp
{
    /// <summary>The largest of all elements, of shape (); NaN if any is NaN.</summary>
    /// <exception cref="ArgumentException">There are no elements.</exception>
    public static Tensor Max(this Tensor x) => x.Max(SumOp.AllAxes(x));

    /// <summary>The largest over the given axes (negative ones count from the last); NaN if any is NaN.</summary>
    /// <exception cref="ArgumentException">An axis does not exist, is named twice, or has no elements.</exception>
    public static Tensor Max(this Tensor x, ReadOnlySpan<int> axes, bool keepAxes = false)
    {
        var call = Op.Begin("Max", x);
        call.CheckFloat(x);
        var reduced = Axes.Reduced("Max", x.Shape, axes);
        if (x.Count == 0 && reduced.Count != 0) throw call.Error($"shape {x.Shape} has no elements to choose from.");
        var y = call.New(keepAxes ? reduced : Axes.Without(x.Shape, axes));
        call.Backend.Fold(new Largest(), x.Read("Max"), y.Write("Max").With(Layout.RowMajor(reduced)), add: false);
        return call.Records ? call.Push(y, new MaxNode(call.Save(x), call.Save(y), reduced)) : y;
    }

    private sealed class MaxNode(Saved x, Saved y, Shape reduced) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var rows = Layout.RowMajor(reduced);
            var value = x.Get(Op).Read(Op);
            using var hits = sweep.Scratch(value.Shape);
            using var share = sweep.Scratch(reduced);
            sweep.Backend.Map2(new AreEqual(), value, y.Get(Op).Read(Op).With(rows).To(value.Shape), hits.Write(Op));
            sweep.Backend.Fold(new Total(1f), hits.Read(Op), share.Write(Op), add: false);
            var dy = sweep.Dy.Read(Op).With(rows with { Offset = sweep.Dy.Layout.Offset });
            sweep.Backend.Map2(new Divide(), dy, share.Read(Op), share.Write(Op));
            var target = sweep.Target(0);
            View hit = hits.Read(Op), none = default;
            sweep.Backend.Map2Back(new Multiply(), hit, share.Read(Op).To(value.Shape), hit, target.View(Op), target.Add, none, false);
        }

        protected internal override void Release()
        {
            x.Release();
            y.Release();
        }
    }
}
