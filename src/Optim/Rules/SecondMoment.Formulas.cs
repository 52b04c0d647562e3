using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>scale times the sum of g^2 + epsilon.</summary>
/// <param name="limit">The largest magnitude of g.</param>
/// <param name="epsilon">Added to each square.</param>
/// <param name="scale">The factor of the sum.</param>
public readonly struct SquareSum(Hyper limit, Hyper epsilon, Hyper scale) : IFold<SquareSum>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Map<V>(V x) where V : struct, ILane<V>
    {
        var g = V.Min(V.Max(x, -V.Of(limit)), V.Of(limit));
        return V.Fma(g, g, V.Of(epsilon));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Finish<V>(V total) where V : struct, ILane<V> => total * V.Of(scale);
}

/// <summary>Down each column of a gradient: the sums of g^2 + epsilon and of (g factor)^2 with the row's factor, its scale.</summary>
/// <param name="limit">The largest magnitude of g.</param>
/// <param name="epsilon">Added to each square.</param>
public readonly struct ColumnSquares(Hyper limit, Hyper epsilon) : IColumn<ColumnSquares>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add<V>(RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        V g = V.Min(V.Max(e.X, -V.Of(limit)), V.Of(limit)), scaled = g * s.Scale;
        a = V.Fma(g, g, V.Of(epsilon));
        b = scaled * scaled;
    }
}

/// <summary>
/// The step of one row: p - decay p - size g scale gain, with the row's factor as scale and the column's factor as gain; x is g, dy is p.
/// </summary>
/// <param name="limit">The largest magnitude of g.</param>
/// <param name="decay">The share of p taken away.</param>
/// <param name="size">The factor of the normalised gradient.</param>
public readonly struct FactoredStep(Hyper limit, Hyper decay, Hyper size) : IRow<FactoredStep>, INumbered<FactoredStep>
{
    /// <inheritdoc/>
    public FactoredStep With(Hyper a, Hyper b) => new(limit, a, b);

    /// <inheritdoc/>
    public static int Stages => 0;

    /// <inheritdoc/>
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V> => a = b = V.Of(0f);

    /// <inheritdoc/>
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V>
    {
        var g = V.Min(V.Max(e.X, -V.Of(limit)), V.Of(limit));
        return V.Fma(-V.Of(decay), e.Dy, e.Dy) - V.Of(size) * (g * s.Scale * e.Gain);
    }
}

/// <summary>g min(rowFactor columnFactor, cap).</summary>
/// <param name="limit">The largest magnitude of g.</param>
/// <param name="cap">The largest factor.</param>
public readonly struct TimesFactors(Hyper limit, Hyper cap) : IMap3<TimesFactors>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b, V c) where V : struct, ILane<V> => V.Min(V.Max(a, -V.Of(limit)), V.Of(limit)) * V.Min(b * c, V.Of(cap));
}

/// <summary>One element of a vector's second moment: s0 is v, p becomes g min(1 / sqrt(v), cap).</summary>
/// <param name="limit">The largest magnitude of g.</param>
/// <param name="keep">The decay of v.</param>
/// <param name="share">What v takes of the square.</param>
/// <param name="epsilon">Added to the square.</param>
/// <param name="cap">The largest factor.</param>
public readonly struct NormaliseElement(Hyper limit, Hyper keep, Hyper share, Hyper epsilon, Hyper cap) : IUpdate<NormaliseElement>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        var x = V.Min(V.Max(g, -V.Of(limit)), V.Of(limit));
        s0 = V.Fma(V.Of(keep), s0, V.Of(share) * V.Fma(x, x, V.Of(epsilon)));
        p = x * V.Min(V.Of(1f) / V.Sqrt(s0), V.Of(cap));
    }
}

/// <summary>p = keep p + share g.</summary>
/// <param name="keep">The decay of p.</param>
/// <param name="share">The factor of g.</param>
public readonly struct Blend(Hyper keep, Hyper share) : IUpdate<Blend>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> => p = V.Fma(V.Of(keep), p, V.Of(share) * g);
}

/// <summary>1 / sqrt(x).</summary>
public readonly struct InverseRoot : IMap1<InverseRoot>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Of(1f) / V.Sqrt(x);
}

/// <summary>a sqrt(b).</summary>
public readonly struct TimesRoot : IMap2<TimesRoot>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => a * V.Sqrt(b);
}

/// <summary>sqrt(max(a, floor)) / sqrt(b): two roots, because the ratio of a large to a tiny number overflows.</summary>
/// <param name="floor">The least a.</param>
public readonly struct RootOfRatio(Hyper floor) : IMap2<RootOfRatio>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => V.Sqrt(V.Max(a, V.Of(floor))) / V.Sqrt(b);
}
