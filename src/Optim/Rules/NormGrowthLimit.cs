namespace Mayfly;

/// <summary>How a <see cref="NormGrowthLimit"/> computes its factor from the norm n, the last norm p and the growth gamma.</summary>
public enum NormGrowthForm
{
    /// <summary>Optimisers.jl: where n / (p + epsilon) &gt; gamma, the factor is gamma p / (n + epsilon).</summary>
    Ratio,

    /// <summary>Fira and APOLLO: the factor is gamma / max(n / (p + epsilon), gamma).</summary>
    Fira,

    /// <summary>Where n &gt; gamma p, the factor is gamma p / (n + epsilon).</summary>
    Product,
}

/// <summary>When a <see cref="NormGrowthLimit"/> forgets the last norm, so that the next one passes.</summary>
public enum NormGrowthRestart
{
    /// <summary>After a norm below the lower bound, or of zero.</summary>
    BelowBound,

    /// <summary>After a norm of exactly zero.</summary>
    AtZero,

    /// <summary>
    /// Never: after one gradient of zero the updates start again from almost nothing, or stay zero. Some published code does this.
    /// </summary>
    Never,
}

/// <summary>
/// Keeps a norm from growing faster than by a factor per step (the norm-growth limiter of Chen et al., "Fira", 2024):
/// <code>
/// n = |x| ;  p = the last norm after limiting
/// where p is known, n is at least the lower bound, and n / p &gt; gamma:   x = x gamma p / n
/// p = |x|
/// </code>
/// </summary>
public sealed record NormGrowthLimit : Adjustable
{
    /// <summary>The most a norm grows by in a step.</summary>
    public double Gamma { get; init => field = In(1, 1e6, value); } = 1.01;

    /// <summary>Where exactly epsilon goes.</summary>
    public NormGrowthForm Form { get; init; } = NormGrowthForm.Ratio;

    /// <summary>Guards the quotients.</summary>
    public double Epsilon { get; init => field = In(0, 1.0, value); } = 1e-8;

    /// <summary>A norm below this passes.</summary>
    public double LowerBound { get; init => field = In(0, 1e6, value); } = 1e-7;

    /// <summary>
    /// True: the lower bound is multiplied by the square root of the number of elements, so that it bounds their root mean square.
    /// </summary>
    public bool BoundPerElement { get; init; } = true;

    /// <summary>When the last norm is forgotten.</summary>
    public NormGrowthRestart Restart { get; init; } = NormGrowthRestart.BelowBound;

    /// <summary>What the last norm is before the first.</summary>
    public const double NoHistory = -1;

    /// <summary>What x is multiplied by, given its norm; replaces the last norm by the limited one.</summary>
    public double Factor(double norm, long count, ref double last) => new NormGrowth(this, count).Factor(norm, ref last);
}

/// <summary>The factor of a <see cref="NormGrowthLimit"/> for so many elements.</summary>
internal readonly struct NormGrowth(NormGrowthLimit limit, long count)
{
    private readonly double gamma = limit.Gamma, epsilon = limit.Epsilon,
        bound = limit.BoundPerElement ? limit.LowerBound * Math.Sqrt(count) : limit.LowerBound;

    private readonly NormGrowthForm form = limit.Form;
    private readonly NormGrowthRestart restart = limit.Restart;

    public double Factor(double norm, ref double last)
    {
        double factor = norm < bound | !Remembers(last) ? 1 : Capped(norm, last);
        last = norm * factor;
        return factor;
    }

    private bool Remembers(double last) =>
        restart == NormGrowthRestart.Never ? last >= 0 : last > 0 & (restart == NormGrowthRestart.AtZero | last >= bound);

    private double Capped(double norm, double last)
    {
        if (form == NormGrowthForm.Fira) return gamma / Numbers.AtLeast(gamma, norm / (last + epsilon));
        bool grows = form == NormGrowthForm.Product ? norm > gamma * last : norm / (last + epsilon) > gamma;
        return grows ? gamma * last / (norm + epsilon) : 1;
    }
}
