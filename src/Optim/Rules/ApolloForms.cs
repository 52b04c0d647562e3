using System.Globalization;

namespace Mayfly;

/// <summary>What one factor of <see cref="Apollo"/> scales.</summary>
public enum ApolloScope
{
    /// <summary>A channel: an index of the axis that is not projected.</summary>
    Channel,

    /// <summary>The whole tensor.</summary>
    Tensor,
}

/// <summary>The axis that <see cref="Apollo"/> projects.</summary>
public enum ApolloSide
{
    /// <summary>The shorter one; of a square matrix the second, so that rows are channels.</summary>
    Auto,

    /// <summary>The shorter one; of a square matrix the first, so that columns are channels.</summary>
    AutoSquareLeft,

    /// <summary>The first: R = P G, columns are channels.</summary>
    Left,

    /// <summary>The second: R = G P^T, rows are channels.</summary>
    Right,
}

/// <summary>How the rows of the projection are drawn.</summary>
public enum ApolloProjection
{
    /// <summary>Each element is normal with variance 1 / rank.</summary>
    Gaussian,

    /// <summary>
    /// Each row is normalised to unit length. Its factors are larger by sqrt(small / rank): do not scale by that as well.
    /// </summary>
    UnitRows,

    /// <summary>
    /// The gradient's first singular vectors at each refresh, kept in the state; where the gradient is zero, normal numbers. Of the
    /// shorter axis only, of a square matrix the second.
    /// </summary>
    Svd,
}

/// <summary>The steps at which a new projection is drawn, counted from 1 and with T the interval.</summary>
public enum ApolloRefreshPhase
{
    /// <summary>1, T + 1, 2T + 1, ...</summary>
    FromFirstStep,

    /// <summary>1, T, 2T, ...: the first interval is one step short.</summary>
    Multiples,
}

/// <summary>Which matrices are projected; others are stepped by AdamW.</summary>
public enum ApolloFit
{
    /// <summary>Those of which the projected state is smaller: rank below the projected axis.</summary>
    SmallerState,

    /// <summary>Those whose projected axis is at least the rank.</summary>
    RankFits,

    /// <summary>All of two or more axes.</summary>
    AllMatrices,
}

/// <summary>The rank of the projection: a number, or a function of the matrix, by its name.</summary>
public readonly record struct ApolloRank
{
    private readonly string? name;
    private readonly long number;

    private ApolloRank(string? name, long number) => (this.name, this.number) = (name, number);

    /// <summary>A quarter of the shorter axis, at most 256.</summary>
    public static ApolloRank Quarter { get; } = new("quarter", 0);

    /// <summary>The square root of the longer axis, rounded up.</summary>
    public static ApolloRank Sqrt { get; } = new("sqrt", 0);

    /// <summary>The same number for each matrix.</summary>
    public static ApolloRank Fixed(long rank) => new(null, rank);

    /// <summary>The same number for each matrix.</summary>
    public static implicit operator ApolloRank(long rank) => Fixed(rank);

    /// <summary>The rank for the shorter and the longer axis of a matrix.</summary>
    public long Of(long small, long large) => name switch
    {
        "quarter" => Math.Clamp(small / 4, 1, 256),
        "sqrt" => (long)Math.Ceiling(Math.Sqrt(large)),
        _ => number,
    };

    /// <summary>Reads <c>quarter</c>, <c>sqrt</c> or a number of at least 1.</summary>
    /// <exception cref="FormatException">It is none of these.</exception>
    public static ApolloRank Parse(string text, IFormatProvider? provider) => text switch
    {
        "quarter" => Quarter,
        "sqrt" => Sqrt,
        _ when long.TryParse(text, NumberStyles.None, provider, out long rank) && rank > 0 => rank,
        _ => throw new FormatException($"'{text}' is no rank; it is a number of at least 1, quarter or sqrt."),
    };

    /// <inheritdoc/>
    public override string ToString() => name ?? number.ToString(CultureInfo.InvariantCulture);
}
