using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>RMS normalisation (Zhang and Sennrich 2019) over the last axis: y = x / sqrt(mean(x^2) + epsilon) gain.</summary>
public readonly struct RmsNormForward(Hyper epsilon) : IRow<RmsNormForward>
{
    /// <inheritdoc/>
    public static int Stages => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.X * e.X;
        b = V.Of(0f);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V> =>
        s.Scale = V.Of(1f) / V.Sqrt(a / n + V.Of(epsilon));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => e.X * s.Scale * e.Gain;
}

/// <summary>Its backward: with n = x r and g = dy gain, dx = r (g - n mean(g n)); dgain = sum over rows of dy n.</summary>
public readonly struct RmsNormBackward : IRow<RmsNormBackward>, IColumn<RmsNormBackward>
{
    /// <inheritdoc/>
    public static int Stages => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.Dy * e.Gain * (e.X * s.Scale);
        b = V.Of(0f);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V> => s.A = a / n;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => s.Scale * (e.Dy * e.Gain - e.X * s.Scale * s.A);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add<V>(RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.Dy * (e.X * s.Scale);
        b = V.Of(0f);
    }
}

public static partial class TensorOps
{
    /// <summary>x / sqrt(mean(x^2) + epsilon) gain over the last axis: x (..., C), gain (C) -> (..., C).</summary>
    /// <remarks>
    /// Backward: with n = x r, r = 1 / sqrt(mean(x^2) + epsilon) and g = dy gain: dx = r (g - n mean(g n)), dgain = sum over rows of dy n.
    /// </remarks>
    /// <exception cref="ArgumentException">gain does not have the size of the last axis.</exception>
    public static Tensor RmsNorm(this Tensor x, Tensor gain, double epsilon = 1e-5) =>
        NormOps.Apply("RmsNorm", new RmsNormForward(epsilon), default(RmsNormBackward), x, gain, bias: null);
}
