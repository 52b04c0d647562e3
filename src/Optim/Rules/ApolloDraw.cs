namespace Mayfly;

/// <summary>
/// The projection of <see cref="Apollo"/>: a function of the seed and the parameter's index, both as they were at its first step, and of
/// the number of the refresh, so it need not be kept.
/// </summary>
internal readonly ref struct ApolloDraw
{
    // Random ops key their streams by a step in the upper half, which never sets this bit.
    private const ulong OwnStreams = 1UL << 63;
    private readonly Apollo rule;
    private readonly ApolloMatrix matrix;
    private readonly Parameter parameter;
    private readonly RuleState state;
    private readonly StepInfo step;

    public ApolloDraw(Apollo rule, ApolloMatrix matrix, Parameter parameter, RuleState state, in StepInfo step)
    {
        this.rule = rule;
        this.matrix = matrix;
        this.parameter = parameter;
        this.state = state;
        this.step = step;
    }

    /// <summary>The projection of the parameter's step <paramref name="t"/>, (rank, inner).</summary>
    public Tensor At(long t, Tensor gradient)
    {
        if (t == 1) KeepKey();
        if (!rule.KeepsProjection)
        {
            var drawn = Tensor.Empty(state.Device, (matrix.Rank, matrix.Inner), state.Device.Float, Use.Scratch, rule.Name);
            Fill(drawn, t, gradient);
            return drawn;
        }

        var kept = state.Tensor("projection");
        if (t == 1 || Refresh(t) != Refresh(t - 1)) Renew(kept, t, gradient);
        return kept;
    }

    /// <summary>Draws the kept one anew, by way of floats where it is stored in another type.</summary>
    private void Renew(Tensor kept, long t, Tensor gradient)
    {
        if (!kept.Type.IsStored())
        {
            Fill(kept, t, gradient);
            return;
        }

        var floats = kept.ToFloat();
        Fill(floats, t, gradient);
        kept.Device.Backend.Copy(floats.Read(rule.Name), kept.Write(rule.Name));
    }

    /// <summary>The number of the refresh, from 0, that step <paramref name="t"/> falls under.</summary>
    private long Refresh(long t) => rule.Refresh == 0 ? 0 : (rule.RefreshPhase == ApolloRefreshPhase.Multiples ? t : t - 1) / rule.Refresh;

    private void Fill(Tensor projection, long t, Tensor gradient)
    {
        if (rule.Given is { } given)
        {
            projection.CopyFrom<double>(given(parameter, t));
            return;
        }

        if (rule.Projection == ApolloProjection.Svd && Singular(gradient, projection) is { } vectors)
        {
            projection.CopyFrom<float>(vectors);
            return;
        }

        var key = new RandomKey(Seed(), OwnStreams | (ulong)state.Number("index") << 32 | (uint)Refresh(t));
        Draw(projection, 1 / Math.Sqrt(matrix.Rank), key);
        if (rule.Projection != ApolloProjection.UnitRows) return;
        var rows = projection.Write(rule.Name);
        projection.Device.Backend.Row(default(UnitRow), new RowArgs { X = rows, Y = rows });
    }

    private float[]? Singular(Tensor gradient, Tensor last) =>
        SingularVectors.OfSmallerSide(gradient, (matrix.Rows, matrix.Rest), (int)matrix.Rank, last);

    private static void Draw(Tensor projection, double deviation, RandomKey key)
    {
        projection.Device.Backend.Run(new Uniform(projection.Write("Apollo"), key));
        projection.MapInPlace(new NormalQuantile((float)deviation));
    }

    // A number of the state is a double, which holds half a seed exactly. A resumed run keeps its projections even under another seed or
    // in another order of the parameters.
    private void KeepKey()
    {
        (state.Number("seedLow"), state.Number("seedHigh")) = ((uint)step.Seed, step.Seed >> 32);
        state.Number("index") = parameter.Index;
    }

    private ulong Seed() => (ulong)state.Number("seedHigh") << 32 | (ulong)state.Number("seedLow");
}
