namespace Mayfly;

/// <summary>How far <see cref="Muon"/> moves a matrix of a given shape.</summary>
public enum MuonScale
{
    /// <summary>sqrt(max(1, rows / columns)) of the flattened matrix.</summary>
    Original,

    /// <summary>
    /// As <see cref="Original"/>, of the last two axes of the tensor before it is flattened: a convolution's kernel height and width.
    /// </summary>
    LastTwoAxes,

    /// <summary>
    /// 0.2 sqrt(max(rows, columns)): an update as large as AdamW's, root mean square, so that AdamW's learning rate carries over.
    /// </summary>
    MatchRms,

    /// <summary>1.</summary>
    None,

    /// <summary>sqrt(rows / columns), less than 1 for a wide matrix.</summary>
    Spectral,
}

/// <summary>
/// What <see cref="Muon"/> has in common with the rules that change its orthogonalised momentum once more: the momentum, the blocks that
/// are orthogonalised each by itself, their scale and the decay. State here: b, of the parameter's shape.
/// </summary>
public abstract record OrthogonalMomentum : Rule
{
    /// <summary>Sets the usual learning rate and the fallback.</summary>
    protected OrthogonalMomentum() => (LearningRate, Fallback, FallbackScale) = (0.02, new AdamW { Beta2 = 0.95 }, 0.015);

    /// <summary>The decay of the momentum, per step.</summary>
    public double Momentum { get; init => field = In(0, 0.999999, value); } = 0.95;

    /// <summary>True: momentum = mu momentum + gradient. False: mu momentum + (1 - mu) gradient, which has the same direction.</summary>
    public bool Accumulates { get; init; }

    /// <summary>Looks one step of momentum ahead.</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>The share of the weight taken away per step and unit of learning rate.</summary>
    public double WeightDecay { get; init => field = In(0, 1e6, value); } = 0.01;

    /// <summary>Weights decay only where the step makes them smaller too (Chen et al., "Cautious weight decay", 2025).</summary>
    public bool Cautious { get; init; }

    /// <summary>The decay, too, is multiplied by the factor of the update: by that of the whole parameter.</summary>
    public bool DecaysByScale { get; init; }

    /// <summary>The factor of the update.</summary>
    public MuonScale Scale { get; init; }

    /// <summary>The orthogonalisation.</summary>
    public NewtonSchulz NewtonSchulz { get; init; } = new();

    /// <summary>
    /// The number of equal blocks of rows that are orthogonalised each by itself; null takes <see cref="Parameter.RowBlocks"/>.
    /// </summary>
    public int? Split { get; init => field = In(1, int.MaxValue, value); }

    /// <summary>
    /// Each attention head is orthogonalised by itself where heads lie along the rows: blocks of <see cref="Parameter.HeadRows"/> rows.
    /// What has no heads is treated as <see cref="Split"/> says.
    /// </summary>
    public bool PerHead { get; init; }

    /// <summary>True: a parameter without a gradient is stepped as if it were zero. False: it is left alone.</summary>
    public bool MissingAsZero { get; init; }

    /// <inheritdoc/>
    public override bool StepsWithoutGradient => MissingAsZero;

    /// <summary>The fallback for a parameter of one element per row; without a fallback it is a matrix of one column.</summary>
    public override (Rule Rule, double Scale) For(Parameter parameter) =>
        Columns(parameter) == 1 && Fallback is { } fallback ? (fallback, FallbackScale) : (this, 1);

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        NewtonSchulz.Check();
        if (parameter.Shape.Rank == 0 || parameter.Shape[0] % BlockCount(parameter) != 0 && Split is not null)
            throw new ArgumentException(
                $"{Name}: {parameter} cannot be split into {BlockCount(parameter)} blocks of equal rows; choose a divisor of its first "
                + "size.");
        state.AddTensor("b", parameter.Shape);
    }

    /// <inheritdoc/>
    /// <exception cref="NonFiniteException">The momentum has an infinity or NaN.</exception>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        gradient.Step(new MuonMomentum(Momentum, Accumulates ? 1 : 1 - Momentum, Nesterov), gradient, state.Tensor("b"));
        double decay = step.LearningRate * WeightDecay * (DecaysByScale ? Factor(parameter, parameter.Shape[0], Columns(parameter)) : 1);
        int blocks = BlockCount(parameter);
        long start = 0;
        for (int i = 0; i < blocks; i++)
        {
            long rows = RowsOf(parameter, blocks, i);
            StepBlock(parameter, gradient, state, (i, start, rows), step.LearningRate, decay);
            start += rows;
        }

        if (StepsTogether(parameter)) Step(parameter.Value, gradient, decay, 1);
    }

    /// <summary>
    /// What a rule makes of the directions of a block before they are stepped, in place; returns what their step is multiplied by.
    /// </summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="block">The block's number.</param>
    /// <param name="direction">The block's orthogonalised momentum (rows, columns), dense.</param>
    /// <param name="state">The parameter's state.</param>
    private protected virtual double Normalise(Parameter parameter, int block, Tensor direction, RuleState state) => 1;

    /// <summary>What a rule does to a block of the momentum before it is orthogonalised, in place.</summary>
    private protected virtual void Prepare(Tensor momentum)
    {
    }

    private protected int BlockCount(Parameter parameter) => IsPerHead(parameter) ? (int)(parameter.Shape[0] / parameter.HeadRows)
        : Split ?? Math.Max(1, parameter.RowBlocks.Count);

    private protected long RowsOf(Parameter parameter, int blocks, int block) =>
        !IsPerHead(parameter) && Split is null && blocks > 1 ? parameter.RowBlocks[block] : parameter.Shape[0] / blocks;

    private protected static long Columns(Parameter parameter) =>
        parameter.Shape.Rank == 0 ? 1 : parameter.Shape.Count / parameter.Shape[0];

    private bool IsPerHead(Parameter parameter) => PerHead && parameter.HeadRows > 0;

    /// <summary>True where blocks may share a scale, so that their directions are gathered in the gradient and stepped as one.</summary>
    private bool StepsTogether(Parameter parameter) => parameter.Value.Type == DType.Int8 && BlockCount(parameter) > 1;

    private void StepBlock(
        Parameter parameter, Tensor gradient, RuleState state, (int Number, long Start, long Rows) at, double learningRate, double decay)
    {
        using var scope = parameter.Value.Device.Scope(Name);
        long rows = at.Rows, columns = Columns(parameter);
        var block = new Layout((rows, columns), (columns, 1), at.Start * columns);
        var momentum = gradient.ViewAs(block with { Offset = gradient.Layout.Offset + block.Offset }, Name);
        Prepare(momentum);
        var direction = NewtonSchulz.Consume(momentum, $"the momentum of {parameter}");
        double size = learningRate * Factor(parameter, rows, columns) * Normalise(parameter, at.Number, direction, state);
        if (StepsTogether(parameter)) momentum.Device.Backend.Map(new Affine(size, -0.0), direction.Read(Name), momentum.Write(Name));
        else Step(parameter.Value.ViewAs(block, Name), direction, decay, size);
    }

    private void Step(Tensor weight, Tensor direction, double decay, double size)
    {
        if (Cautious) weight.Step(new CautiousUpdate(decay, size), direction);
        else weight.Step(new MuonUpdate(decay, size), direction);
    }

    private double Factor(Parameter parameter, double rows, double columns) => Scale switch
    {
        MuonScale.Original => Math.Sqrt(Math.Max(1, rows / columns)),
        MuonScale.LastTwoAxes when parameter.Shape.Rank > 2 => Math.Sqrt(Math.Max(1, (double)parameter.Shape[-2] / parameter.Shape[-1])),
        MuonScale.LastTwoAxes => Math.Sqrt(Math.Max(1, rows / columns)),
        MuonScale.MatchRms => 0.2 * Math.Sqrt(Math.Max(rows, columns)),
        MuonScale.Spectral => Math.Sqrt(rows / columns),
        _ => 1,
    };
}
