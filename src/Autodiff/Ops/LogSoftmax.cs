using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>Log-softmax over the last axis: y = x - max - log sum exp(x - max).</summary>
public readonly struct LogSoftmaxForward : IRow<LogSoftmaxForward>
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
        else s.A = V.Log(a);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => e.X - s.Shift - s.A;
}

/// <summary>Its backward, from the result y: dx = dy - exp(y) sum(dy).</summary>
public readonly struct LogSoftmaxBackward : IRow<LogSoftmaxBackward>
{
    /// <inheritdoc/>
    public static int Stages => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.Dy;
        b = V.Of(0f);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V> => s.A = a;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => e.Dy - V.Exp(e.X) * s.A;
}

public static partial class TensorOps
{
    /// <summary>Log-softmax over the last axis, x - max - log sum exp(x - max); any shape.</summary>
    /// <remarks>Backward: dx = dy - exp(y) sum(dy).</remarks>
    /// <exception cref="ArgumentException">The last axis is empty.</exception>
    public static Tensor LogSoftmax(this Tensor x) => RowOps.FromResult<LogSoftmaxForward, LogSoftmaxBackward>("LogSoftmax", x);

    /// <summary>Log-softmax over one axis (negative: from the last), x - max - log sum exp(x - max).</summary>
    /// <remarks>Backward: dx = dy - exp(y) sum(dy).</remarks>
    /// <exception cref="ArgumentException">There is no such axis, or it is empty.</exception>
    public static Tensor LogSoftmax(this Tensor x, int axis) => OverAxis(x, axis, LogSoftmax);
}
