namespace Mayfly;

/// <summary>A parameter as <see cref="Apollo"/> projects it: more than two axes are flattened to (first, rest).</summary>
/// <param name="Rows">The first axis.</param>
/// <param name="Rest">All others.</param>
/// <param name="Right">True: the second axis is projected and rows are channels; false: the first, and columns are.</param>
/// <param name="Rank">The rank of the projection.</param>
internal readonly record struct ApolloMatrix(long Rows, long Rest, bool Right, long Rank)
{
    /// <summary>The length of the axis that is kept.</summary>
    public long Channels => Right ? Rows : Rest;

    /// <summary>The length of the axis that is projected.</summary>
    public long Inner => Right ? Rest : Rows;

    /// <summary>The parameter's matrix, or null where AdamW steps it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A rank below 1.</exception>
    public static ApolloMatrix? Of(Apollo rule, Parameter parameter)
    {
        var shape = parameter.Shape;
        if (shape.Rank < 2 || shape.Count == 0 || rule.HiddenOnly && parameter.Role != Role.Hidden) return null;
        long rows = shape[0], rest = shape.Count / rows, rank = rule.Rank.Of(Math.Min(rows, rest), Math.Max(rows, rest));
        if (rank is < 1 or > int.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(rule), $"Apollo: the rank {rule.Rank} of {parameter} is {rank}; at least 1.");
        var matrix = new ApolloMatrix(rows, rest, IsRight(rule.Side, rows, rest), rank);
        bool fits = rule.Fit switch
        {
            ApolloFit.SmallerState => rank < matrix.Inner,
            ApolloFit.RankFits => rank <= matrix.Inner,
            _ => true,
        };
        bool isExact = rank <= matrix.Inner && matrix.Right == IsRight(ApolloSide.Auto, rows, rest);
        if (fits && rule.Projection == ApolloProjection.Svd && !isExact)
            throw new ArgumentException(
                $"Apollo: {parameter}: singular vectors project the shorter axis, of a square matrix the second, to a rank of at most its "
                + $"size; not side {rule.Side} to rank {rank}. Choose ApolloSide.Auto and a smaller rank, or another projection.");
        return fits ? matrix : null;
    }

    /// <summary>A dense view of the parameter's shape as (rows, rest).</summary>
    public View Flat(in View view) => view.With(new Layout((Rows, Rest), (Rest, 1), view.Layout.Offset));

    /// <summary>Factor of the scaled gradient where none is given.</summary>
    public double AutoAlpha => Math.Sqrt((double)Inner / Rank);

    private static bool IsRight(ApolloSide side, long rows, long rest) => side switch
    {
        ApolloSide.Auto => rows >= rest,
        ApolloSide.AutoSquareLeft => rows > rest,
        _ => side == ApolloSide.Right,
    };
}
