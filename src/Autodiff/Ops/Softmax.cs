using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The two folds that softmax and log-softmax share: the shift = max x, then the sum of exp(x - shift).</summary>
internal static class SoftmaxFolds
{
    /// <summary>The maximum, then a sum.</summary>
    public static FoldKind Kind(int stage) => stage == 0 ? FoldKind.Max : FoldKind.Sum;

    /// <summary>An element's share in a stage; the second accumulator follows the first or stays zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fold<V>(int stage, V x, V largest, out V a, out V b) where V : struct, ILane<V>
    {
        a = stage == 0 ? x : V.Exp(x - largest);
        b = stage == 0 ? x : V.Of(0f);
    }
}

/// <summary>Softmax over the last axis: y = exp(x - max) / sum exp(x - max).</summary>
public readonly struct SoftmaxForward : IRow<SoftmaxForward>
{
    /// <inheritdoc/>
    public static int Stages => 2;

    /// <inheritdoc/>
    public static FoldKind Kind(int stage) => SoftmaxFolds.Kind(stage);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V> =>
        SoftmaxFolds.Fold(stage, e.X, s.Shift, out a, out b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
        if (stage == 0) s.Shift = a;
        else s.Scale = V.Of(1f) / a;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => V.Exp(e.X - s.Shift) * s.Scale;
}

/// <summary>Its backward, from the result y: dx = y (dy - sum(y dy)).</summary>
public readonly struct SoftmaxBackward : IRow<SoftmaxBackward>
{
    /// <inheritdoc/>
    public static int Stages => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.X * e.Dy;
        b = V.Of(0f);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V> => s.A = a;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => e.X * (e.Dy - s.A);
}

public static partial class TensorOps
{
    /// <summary>Softmax over the last axis, exp(x - max) / sum exp(x - max); any shape.</summary>
    /// <remarks>Backward: dx = y (dy - sum(y dy)).</remarks>
    /// <exception cref="ArgumentException">The last axis is empty.</exception>
    public static Tensor Softmax(this Tensor x) => RowOps.FromResult<SoftmaxForward, SoftmaxBackward>("Softmax", x);

    /// <summary>Softmax over one axis (negative: from the last), exp(x - max) / sum exp(x - max).</summary>
    /// <remarks>Backward: dx = y (dy - sum(y dy)).</remarks>
    /// <exception cref="ArgumentException">There is no such axis, or it is empty.</exception>
    public static Tensor Softmax(this Tensor x, int axis) => OverAxis(x, axis, Softmax);

    /// <summary>An op over the last axis, applied to another.</summary>
    private static Tensor OverAxis(Tensor x, int axis, Func<Tensor, Tensor> op) =>
        axis == -1 || axis == x.Rank - 1 ? op(x) : op(x.Transpose(axis, -1)).Transpose(axis, -1);
}
