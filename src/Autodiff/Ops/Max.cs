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

public static partial class TensorOps
{
    /// <summary>The largest of all elements, of shape (); NaN if any is NaN.</summary>
    /// <remarks>Backward: dx = dy, shared evenly by all elements that equal the largest, else 0.</remarks>
    /// <exception cref="ArgumentException">There are no elements.</exception>
    public static Tensor Max(this Tensor x) => x.Max(Axes.All(x));

    /// <summary>The largest over the given axes (negative ones count from the last); NaN if any is NaN.</summary>
    /// <remarks>Backward: dx = dy, shared evenly by all elements that equal the largest, else 0.</remarks>
    /// <exception cref="ArgumentException">An axis does not exist, is named twice, or has no elements.</exception>
    public static Tensor Max(this Tensor x, ReadOnlySpan<int> axes, bool keepAxes = false) =>
        Extreme("Max", new Largest(), x, axes, keepAxes);

    /// <summary>The element of each fold that is first by an order: the largest or the smallest.</summary>
    private static Tensor Extreme<TFold>(string name, TFold fold, Tensor x, ReadOnlySpan<int> axes, bool keepAxes)
        where TFold : unmanaged, IFold<TFold>
    {
        var call = Op.Begin(name, x);
        call.CheckFloat(x);
        var reduced = Axes.Reduced(call, x.Shape, axes);
        if (x.Count == 0 && reduced.Count != 0) throw call.Error($"shape {x.Shape} has no elements to choose from.");
        var y = call.New(keepAxes ? reduced : Axes.Without(x.Shape, axes));
        call.Backend.Fold(fold, call.Read(x), call.Write(y).With(Layout.RowMajor(reduced)), add: false);
        return call.Records ? call.Push(y, new ExtremeNode(call.Save(x), call.Save(y), reduced)) : y;
    }

    private sealed class ExtremeNode(Saved x, Saved y, Shape reduced) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var rows = Layout.RowMajor(reduced);
            var value = Read(x);
            using var hits = sweep.Scratch(value.Shape);
            using var share = sweep.Scratch(reduced);
            sweep.Backend.Map2(new AreEqual(), value, Read(y).With(rows).To(value.Shape), Write(hits));
            sweep.Backend.Fold(new Total(1f), Read(hits), Write(share), add: false);
            var dy = Read(sweep.Dy).With(rows with { Offset = sweep.Dy.Layout.Offset });
            sweep.Backend.Map2(new Divide(), dy, Read(share), Write(share));
            var target = sweep.Target(0);
            View hit = Read(hits), none = default;
            sweep.Backend.Map2Back(new Multiply(), hit, Read(share).To(value.Shape), hit, Write(target), target.Add, none, false);
        }
    }
}
