using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Adam's direction for a projected gradient g: s0 is m, s1 is v, p becomes momentFactor m / (rootFactor sqrt(v) + epsilon).
/// </summary>
/// <param name="beta1">The decay of m.</param>
/// <param name="share1">1 - beta1.</param>
/// <param name="beta2">The decay of v.</param>
/// <param name="share2">1 - beta2.</param>
/// <param name="epsilon">Added to the root.</param>
/// <param name="momentFactor">1 / (1 - beta1^t), or 1.</param>
/// <param name="rootFactor">1 / sqrt(1 - beta2^t), or 1.</param>
public readonly struct AdamDirection(
    Hyper beta1, Hyper share1, Hyper beta2, Hyper share2, Hyper epsilon, Hyper momentFactor, Hyper rootFactor)
    : IUpdate<AdamDirection>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        var x = AdamWUpdate.Limited(g);
        s0 = V.Fma(V.Of(beta1), s0, V.Of(share1) * x);
        s1 = V.Fma(V.Of(beta2), s1, V.Of(share2) * x * x);
        p = V.Of(momentFactor) * s0 / V.Fma(V.Of(rootFactor), V.Sqrt(s1), V.Of(epsilon));
    }
}

/// <summary>
/// The factor of each channel, the scale = |x| / (|dy| + epsilon): x is Adam's direction and dy the projected gradient, (channels, rank).
/// Where an element of dy is so large that its square overflows, squares are of elements times 2^-80.
/// </summary>
/// <param name="epsilon">Guards the quotient.</param>
public readonly struct ChannelFactor(Hyper epsilon) : IRow<ChannelFactor>
{
    private const float Large = 1e15f, ToSmall = 8.271806e-25f;

    /// <inheritdoc/>
    public static int Stages => 2;

    /// <inheritdoc/>
    public static FoldKind Kind(int stage) => stage == 0 ? FoldKind.Max : FoldKind.Sum;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        var scaled = e.Dy * s.A;
        a = stage == 0 ? V.Abs(e.Dy) : e.X * e.X;
        b = stage == 0 ? a : scaled * scaled;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
        if (stage == 0) s.A = V.Where(V.Of(Large), a, V.Of(ToSmall), V.Of(1f));
        else s.Scale = V.Sqrt(a) / (V.Sqrt(b) / s.A + V.Of(epsilon));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => e.X;
}

/// <summary>
/// A step by a gradient whose channels have factors, p = dy - decay dy - size factor x: x is the gradient, dy the parameter, and the factor
/// that of the row (its scale) or of the column (the gain). Its column fold adds up the squares of the scaled gradient, (factor x)^2.
/// </summary>
/// <param name="byRow">1: rows have factors; 0: columns.</param>
/// <param name="decay">The share of the parameter that is taken away.</param>
/// <param name="size">Times the scaled gradient.</param>
public readonly struct ChannelStep(int byRow, Hyper decay, Hyper size)
    : IRow<ChannelStep>, IColumn<ChannelStep>, INumbered<ChannelStep>
{
    /// <inheritdoc/>
    public ChannelStep With(Hyper a, Hyper b) => new(byRow, a, b);

    /// <inheritdoc/>
    public static int Stages => 0;

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
        V.Fma(-V.Of(decay), e.Dy, e.Dy) - V.Of(size) * Scaled(e, s);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add<V>(RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        var scaled = Scaled(e, s);
        a = scaled * scaled;
        b = V.Of(0f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private V Scaled<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => (byRow != 0 ? s.Scale : e.Gain) * e.X;
}

/// <summary>
/// Turns x, uniform in (-1, 1), into a normal number: deviation sqrt(2) erf^-1(x), by the polynomials of Giles ("Approximating the erfinv
/// function", 2010).
/// </summary>
/// <param name="deviation">The standard deviation.</param>
public readonly struct NormalQuantile(float deviation) : IMap1<NormalQuantile>
{
    private const float RootTwo = 1.4142135f;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V>
    {
        var w = -V.Log((V.Of(1f) - x) * (V.Of(1f) + x));
        return V.Of(deviation * RootTwo) * x * V.Where(w, V.Of(5f), Middle(w - V.Of(2.5f)), Tail(V.Sqrt(w) - V.Of(3f)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Middle<V>(V w) where V : struct, ILane<V>
    {
        var p = V.Fma(V.Of(2.81022636e-8f), w, V.Of(3.43273939e-7f));
        p = V.Fma(p, w, V.Of(-3.5233877e-6f));
        p = V.Fma(p, w, V.Of(-4.39150654e-6f));
        p = V.Fma(p, w, V.Of(2.1858087e-4f));
        p = V.Fma(p, w, V.Of(-1.25372503e-3f));
        p = V.Fma(p, w, V.Of(-4.17768164e-3f));
        p = V.Fma(p, w, V.Of(0.246640727f));
        return V.Fma(p, w, V.Of(1.50140941f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Tail<V>(V w) where V : struct, ILane<V>
    {
        var p = V.Fma(V.Of(-2.00214257e-4f), w, V.Of(1.00950558e-4f));
        p = V.Fma(p, w, V.Of(1.34934322e-3f));
        p = V.Fma(p, w, V.Of(-3.67342844e-3f));
        p = V.Fma(p, w, V.Of(5.73950773e-3f));
        p = V.Fma(p, w, V.Of(-7.6224613e-3f));
        p = V.Fma(p, w, V.Of(9.43887047e-3f));
        p = V.Fma(p, w, V.Of(1.00167406f));
        return V.Fma(p, w, V.Of(2.83297682f));
    }
}

/// <summary>Each row divided by its length.</summary>
public readonly struct UnitRow : IRow<UnitRow>
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
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V> => s.Scale = V.Of(1f) / V.Sqrt(a);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => e.X * s.Scale;
}
