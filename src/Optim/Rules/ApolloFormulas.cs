using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>Adam's direction for a projected gradient g: s0 is m, s1 is v, p becomes momentFactor m / (rootFactor sqrt(v) + epsilon).</summary>
/// <param name="beta1">The decay of m.</param>
/// <param name="share1">1 - beta1.</param>
/// <param name="beta2">The decay of v.</param>
/// <param name="share2">1 - beta2.</param>
/// <param name="epsilon">Added to the root.</param>
/// <param name="momentFactor">1 / (1 - beta1^t), or 1.</param>
/// <param name="rootFactor">1 / sqrt(1 - beta2^t), or 1.</param>
public readonly struct AdamDirection(float beta1, float share1, float beta2, float share2, float epsilon, float momentFactor, float rootFactor)
    : IUpdate<AdamDirection>
{
    /// <summary>The formula with hyper-parameters for checks.</summary>
    public static AdamDirection Sample => new(0.9f, 0.1f, 0.99f, 0.01f, 1e-3f, 3f, 2f);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        s0 = V.Fma(V.Of(beta1), s0, V.Of(share1) * g);
        s1 = V.Fma(V.Of(beta2), s1, V.Of(share2) * g * g);
        p = V.Of(momentFactor) * s0 / V.Fma(V.Of(rootFactor), V.Sqrt(s1), V.Of(epsilon));
    }
}

/// <summary>The factor of each channel, S0 = |x| / (|dy| + epsilon): x is Adam's direction and dy the projected gradient, (channels, rank).</summary>
/// <param name="epsilon">Guards the quotient.</param>
public readonly struct ChannelFactor(float epsilon) : IRow<ChannelFactor>
{
    /// <inheritdoc/>
    public static int Stages => 1;

    /// <inheritdoc/>
    public static FoldKind Kind(int stage) => FoldKind.Sum;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.X * e.X;
        b = e.Dy * e.Dy;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
        s.S0 = V.Sqrt(a) / (V.Sqrt(b) + V.Of(epsilon));
        s.S1 = V.Of(0f);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => e.X;
}

/// <summary>
/// A step by a gradient whose channels have factors, p = dy - decay dy - size factor x: x is the gradient, dy the parameter, and the factor that of the
/// row (S0) or of the column (the gain). Its column fold adds up the squares of the scaled gradient, (factor x)^2.
/// </summary>
/// <param name="byRow">1: rows have factors; 0: columns.</param>
/// <param name="decay">The share of the parameter that is taken away.</param>
/// <param name="size">Times the scaled gradient.</param>
public readonly struct ChannelStep(int byRow, float decay, float size) : IRow<ChannelStep>, IColumn<ChannelStep>
{
    /// <inheritdoc/>
    public static int Stages => 0;

    /// <inheritdoc/>
    public static FoldKind Kind(int stage) => FoldKind.Sum;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V> => a = b = V.Of(0f);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> =>
        V.Fma(V.Of(-decay), e.Dy, e.Dy) - V.Of(size) * Scaled(e, s);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add<V>(RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        var scaled = Scaled(e, s);
        a = scaled * scaled;
        b = V.Of(0f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private V Scaled<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => (byRow != 0 ? s.S0 : e.Gain) * e.X;
}
