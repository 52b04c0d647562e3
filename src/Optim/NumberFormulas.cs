namespace Mayfly;

/// <summary>scale max(floor, sqrt(a / count)), a being a sum of squares: a size in proportion to weights.</summary>
internal readonly struct SizeOfWeights(double scale, double floor, double count) : IScalar<SizeOfWeights>
{
    private readonly double scale = scale, floor = floor, count = count;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept) => scale * Numbers.AtLeast(floor, Numbers.Root(a / count));
}

/// <summary>a / max(1, sqrt(b / count) / threshold): a size for an update of which b is the sum of squares.</summary>
internal readonly struct SizeForUpdate(double threshold, double count) : IScalar<SizeForUpdate>
{
    private readonly double threshold = threshold, count = count;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept) => a / Numbers.AtLeast(1, Numbers.Root(b / count) / threshold);
}

/// <summary>sqrt(a) / (sqrt(b) + epsilon): the ratio of two norms.</summary>
internal readonly struct NormRatio(double epsilon) : IScalar<NormRatio>
{
    private readonly double epsilon = epsilon;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept) => Numbers.Root(a) / (Numbers.Root(b) + epsilon);
}

/// <summary>
/// a times the factor that limits how fast the norm a scale sqrt(b) grows, the last one being kept. Where that norm is not finite, a is not
/// limited, or, on demand, not a number.
/// </summary>
internal readonly struct GrowthLimited(NormGrowth growth, double scale, bool passes) : IScalar<GrowthLimited>
{
    private readonly NormGrowth growth = growth;
    private readonly double scale = scale;
    private readonly int passes = passes ? 1 : 0;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept)
    {
        double norm = a * Numbers.Root(b) * scale;
        if (Numbers.IsFinite(norm)) return a * growth.Factor(norm, ref kept);
        return passes != 0 ? a : norm - norm;
    }
}

/// <summary>The factor that limits a norm, from its square a.</summary>
internal readonly struct NormLimited(double limit) : IScalar<NormLimited>
{
    private readonly double limit = limit;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept) => ClipNorm.Factor(limit, Numbers.Root(a));
}

/// <summary>
/// The factor that limits first the growth of a norm from the kept one, which stays, and then the norm, from its square a.
/// </summary>
internal readonly struct GrowthAndNormLimited(NormGrowth growth, double limit) : IScalar<GrowthAndNormLimited>
{
    private readonly NormGrowth growth = growth;
    private readonly double limit = limit;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept)
    {
        double norm = Numbers.Root(a), last = kept, factor = growth.Factor(norm, ref last);
        return factor * ClipNorm.Factor(limit, norm * factor);
    }
}

/// <summary>Keeps the norm of the square a as far as its growth is allowed.</summary>
internal readonly struct GrowthKept(NormGrowth growth) : IScalar<GrowthKept>
{
    private readonly NormGrowth growth = growth;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept) => growth.Factor(Numbers.Root(a), ref kept);
}

/// <summary>The factor that limits the kept norm, 1 before there is one.</summary>
internal readonly struct KeptNormLimited(double limit) : IScalar<KeptNormLimited>
{
    private readonly double limit = limit;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept) => kept > 0 ? ClipNorm.Factor(limit, kept) : 1;
}

/// <summary>Keeps the norm of the square a.</summary>
internal readonly struct NormKept : IScalar<NormKept>
{
    /// <summary>A kernel takes no empty argument.</summary>
    public readonly int Unused;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept) => kept = Numbers.Root(a);
}

/// <summary>1 / sqrt of the divisor that a guard makes of a multiple of the norm whose square is a; 1 for a divisor of zero.</summary>
internal readonly struct RootOfNorm(double multiple, double epsilon, NormGuard guard) : IScalar<RootOfNorm>
{
    private readonly double multiple = multiple;
    private readonly double epsilon = epsilon;
    private readonly int adds = guard == NormGuard.Add ? 1 : 0;

    /// <inheritdoc/>
    public double Of(double a, double b, ref double kept)
    {
        double norm = multiple * Numbers.Root(a), divisor = adds != 0 ? norm + epsilon : Numbers.AtLeast(epsilon, norm);
        return divisor == 0 ? 1 : 1 / Numbers.Root(divisor) + (norm - norm); // not a number for an infinite norm
    }
}

/// <summary>p = factor g, or its square times g: a factor that a float may not hold is applied in two halves.</summary>
internal readonly struct Times(Hyper first, Hyper second) : IUpdate<Times>, INumbered<Times>
{
    private readonly Hyper first = first, second = second;

    /// <inheritdoc/>
    public Times With(Hyper a, Hyper b) => new(a, b);

    /// <inheritdoc/>
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> => p = V.Of(first) * g * V.Of(second);
}
