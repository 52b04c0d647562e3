namespace Mayfly;

/// <summary>
/// One step of <see cref="Apollo"/> for one matrix: projects, estimates the factors, limits, steps. Reads the gradient three times.
/// </summary>
internal readonly ref struct ApolloStep
{
    private readonly Apollo rule;
    private readonly ApolloMatrix matrix;
    private readonly Parameter parameter;
    private readonly Tensor gradient;
    private readonly RuleState state;
    private readonly StepInfo step;

    public ApolloStep(Apollo rule, ApolloMatrix matrix, Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        this.rule = rule;
        this.matrix = matrix;
        this.parameter = parameter;
        this.gradient = gradient;
        this.state = state;
        this.step = step;
    }

    private Device Device => gradient.Device;

    private Backend Backend => Device.Backend;

    public void Run(double rate, double t)
    {
        using var scope = Device.Scope(rule.Name);
        var projected = Project((long)t); // (channels, rank)
        var direction = Scratch(projected.Shape); // (channels, rank)
        var (moment, root, correction) = rule.Factors(t);
        var update = new AdamDirection(rule.Beta1, 1 - rule.Beta1, rule.Beta2, 1 - rule.Beta2, rule.Epsilon, moment, root);
        direction.Step(update, projected, state.Tensor("m"), state.Tensor("v"));
        var (taken, kept) = rule.DecayOf(rate);
        double size = rate * correction * kept * (rule.Alpha ?? matrix.AutoAlpha);
        if (rule.Scope == ApolloScope.Tensor) StepTensor(direction, projected, size, taken);
        else StepChannels(direction, projected, size, taken);
    }

    /// <summary>R = G P^T, or its transpose G^T P^T where columns are channels: (channels, rank).</summary>
    private Tensor Project(long t)
    {
        var projection = new ApolloDraw(rule, matrix, parameter, state, step).At(t, gradient); // (rank, inner)
        var y = Scratch((matrix.Channels, matrix.Rank));
        var g = matrix.Flat(gradient.Read(rule.Name));
        var x = matrix.Right ? g : g.With(g.Layout.Transpose(0, 1)); // (channels, inner)
        var p = projection.Read(rule.Name);
        Backend.Run(new Gemm<Identity> { A = x, B = p.With(p.Layout.Transpose(0, 1)), C = y.Write(rule.Name) });
        return y;
    }

    private void StepTensor(Tensor direction, Tensor projected, double size, double taken)
    {
        var factor = Backend.Compute(new NormRatio(rule.RatioEpsilon), direction.Squares(), projected.Squares());
        if (rule.Limiter is not null) factor = Limited(factor, gradient.Squares());
        parameter.Value.Step(new DecayedStep(taken, size, float.MaxValue), taken, factor * size, gradient);
    }

    private void StepChannels(Tensor direction, Tensor projected, double size, double taken)
    {
        var args = WithFactors(direction, projected);
        Number limit = rule.Limiter is null ? 1 : Limited(1, ScaledSquares(args));
        var weight = matrix.Flat(parameter.Value.Write(rule.Name));
        Backend.Row(new ChannelStep(ByRow, taken, size), taken, limit * size, args with { Dy = weight, Y = weight });
    }

    /// <summary>The gradient with its channels' factors as row numbers or column gains.</summary>
    private RowArgs WithFactors(Tensor direction, Tensor projected)
    {
        var factors = Scratch((matrix.Channels, 2));
        View x = direction.Write(rule.Name), stats = factors.Write(rule.Name);
        Backend.Row(new ChannelFactor(rule.RatioEpsilon), new RowArgs { X = x, Dy = projected.Read(rule.Name), Y = x, Stats = stats });
        var args = new RowArgs { X = matrix.Flat(gradient.Read(rule.Name)) };
        if (matrix.Right) return args with { Stats = stats, LoadStats = true };
        var gain = Scratch(matrix.Channels);
        Backend.Copy(stats.With(new Layout(matrix.Channels, 2, stats.Layout.Offset + 1)), gain.Write(rule.Name));
        return args with { Gain = gain.Read(rule.Name) };
    }

    /// <summary>|S|^2 without alpha: the sum of the squares of the columns' norms.</summary>
    private Number ScaledSquares(in RowArgs args)
    {
        var columns = Scratch(matrix.Rest);
        Backend.Column(new ChannelStep(ByRow, 0, 0), args, columns.Write(rule.Name), false, default, false);
        columns.MapInPlace(default(Sqrt));
        return columns.Squares();
    }

    /// <summary>A factor, limited by the growth of the norm of what it scales, of which the squares are given.</summary>
    private Number Limited(Number factor, Number squares)
    {
        if (squares.IsKnown && factor.Value * Math.Sqrt(squares.Value) is var norm && !double.IsFinite(norm))
            throw new NonFiniteException(
                $"Step {step.Step}: {rule.Name}: the scaled gradient of {parameter} has the norm {norm}; its weights have not moved.");
        double alpha = rule.LimitBeforeAlpha ? 1 : rule.Alpha ?? matrix.AutoAlpha;
        return Backend.Compute(
            new GrowthLimited(new NormGrowth(rule.Limiter!, gradient.Count), alpha, passes: false), factor, squares, state.Kept("norm"),
            $"{rule.Name}: the scaled gradient of {parameter} has an infinity or NaN");
    }

    private int ByRow => matrix.Right ? 1 : 0;

    private Tensor Scratch(Shape shape) => Tensor.Empty(Device, shape, Device.Float, Use.Scratch, rule.Name);
}
