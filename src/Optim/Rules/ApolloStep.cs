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
        double factor = Math.Sqrt(direction.SumSquares()) / (Math.Sqrt(projected.SumSquares()) + rule.RatioEpsilon);
        if (rule.Limiter is not null) factor *= Limit(factor * Math.Sqrt(gradient.SumSquares()));
        parameter.Value.Step(new DecayedStep(taken, size * factor, float.MaxValue), gradient);
    }

    private void StepChannels(Tensor direction, Tensor projected, double size, double taken)
    {
        var args = WithFactors(direction, projected);
        double limit = rule.Limiter is null ? 1 : Limit(ScaledNorm(args));
        var weight = matrix.Flat(parameter.Value.Write(rule.Name));
        Backend.Row(new ChannelStep(ByRow, taken, size * limit), args with { Dy = weight, Y = weight });
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

    /// <summary>|S| without alpha: the norm of the columns' norms.</summary>
    private double ScaledNorm(in RowArgs args)
    {
        var columns = Scratch(matrix.Rest);
        Backend.Column(new ChannelStep(ByRow, 0, 0), args, columns.Write(rule.Name), false, default, false);
        columns.MapInPlace(default(Sqrt));
        return Math.Sqrt(columns.SumSquares());
    }

    private double Limit(double norm)
    {
        if (!double.IsFinite(norm))
            throw new NonFiniteException(
                $"Step {step.Step}: {rule.Name}: the scaled gradient of {parameter} has the norm {norm}; its weights have not moved.");
        if (!rule.LimitBeforeAlpha) norm *= rule.Alpha ?? matrix.AutoAlpha;
        return rule.Limiter!.Factor(norm, gradient.Count, ref state.Number("norm"));
    }

    private int ByRow => matrix.Right ? 1 : 0;

    private Tensor Scratch(Shape shape) => Tensor.Empty(Device, shape, Device.Float, Use.Scratch, rule.Name);
}
