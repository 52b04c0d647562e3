using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Layer normalisation (Ba, Kiros, Hinton 2016) over the last axis: y = (x - mean) / sqrt(variance + epsilon) gain + bias, the variance
/// being the mean of squares about the mean. The mean is taken first and the squares about it, so that large means cost no digits.
/// </summary>
public readonly struct LayerNormForward(Hyper epsilon) : IRow<LayerNormForward>
{
    /// <inheritdoc/>
    public static int Stages => 2;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        var centred = e.X - s.Shift;
        a = stage == 0 ? e.X : centred * centred;
        b = V.Of(0f);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
        if (stage == 0) s.Shift = a / n;
        else s.Scale = V.Of(1f) / V.Sqrt(a / n + V.Of(epsilon));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => V.Fma((e.X - s.Shift) * s.Scale, e.Gain, e.Bias);
}

/// <summary>
/// Its backward: with n = (x - mean) r and g = dy gain, dx = r (g - mean(g) - n mean(g n)); dgain = sum over rows of dy n, dbias = sum over
/// rows of dy.
/// </summary>
public readonly struct LayerNormBackward : IRow<LayerNormBackward>, IColumn<LayerNormBackward>
{
    /// <inheritdoc/>
    public static int Stages => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.Dy * e.Gain;
        b = a * ((e.X - s.Shift) * s.Scale);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
        s.A = a / n;
        s.B = b / n;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V>
    {
        var normal = (e.X - s.Shift) * s.Scale;
        return s.Scale * (e.Dy * e.Gain - s.A - normal * s.B);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add<V>(RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.Dy * ((e.X - s.Shift) * s.Scale);
        b = e.Dy;
    }
}

public static partial class TensorOps
{
    /// <summary>(x - mean) / sqrt(variance + epsilon) gain + bias over the last axis: x (..., C), gain (C), bias (C) -> (..., C).</summary>
    /// <remarks>
    /// Backward: with n = (x - mean) r, r = 1 / sqrt(variance + epsilon) and g = dy gain: dx = r (g - mean(g) - n mean(g n)), dgain = sum
    /// over rows of dy n, dbias = sum over rows of dy.
    /// </remarks>
    /// <exception cref="ArgumentException">gain or bias do not have the size of the last axis.</exception>
    public static Tensor LayerNorm(this Tensor x, Tensor gain, Tensor? bias = null, double epsilon = 1e-5) =>
        NormOps.Apply("LayerNorm", new LayerNormForward(epsilon), default(LayerNormBackward), x, gain, bias);
}
