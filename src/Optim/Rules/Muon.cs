using System.Runtime.CompilerServices;

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
}

/// <summary>
/// Momentum, orthogonalised by <see cref="NewtonSchulz"/> (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024):
/// <code>
/// b = momentum b + (1 - momentum) g
/// u = momentum b + (1 - momentum) g         (without Nesterov: u = b)
/// p = p - learningRate weightDecay p
/// p = p - learningRate scale NewtonSchulz(u)
/// </code>
/// For hidden weight matrices (rows, columns); all axes but the first are flattened into columns, and the matrices of
/// <see cref="Parameter.RowBlocks"/> are treated one by one. Parameters of one element per row go to the fallback;
/// <see cref="Route.For"/> sends it embeddings and the head too. State: b, of the parameter's shape. Work space: the matrix once more and
/// twice the square of its smaller side; the gradient's own memory is overwritten. Learning rate 0.02, the fallback's 3e-4.
/// </summary>
public sealed record Muon : Rule
{
    /// <summary>Sets the usual learning rate and the fallback.</summary>
    public Muon() => (LearningRate, Fallback, FallbackScale) = (0.02, new AdamW { Beta2 = 0.95 }, 0.015);

    /// <summary>The plain form of <see cref="Recipes"/>, tuned for small language models.</summary>
    public static Muon Plain { get; } = new() { WeightDecay = 0.1, Fallback = AdamW.Plain, FallbackScale = 0.05 };

    /// <summary>Keller Jordan's muon.py: a missing gradient is zero, no decay, convolutions scaled by their kernel.</summary>
    public static Muon KellerJordan { get; } = new()
    {
        WeightDecay = 0, Scale = MuonScale.LastTwoAxes, Split = 1, MissingAsZero = true,
        Fallback = new AdamW { Beta2 = 0.95, Epsilon = 1e-10, WeightDecay = 0 },
    };

    /// <summary>torch.optim.Muon. Learning rate 1e-3; <see cref="MuonScale.MatchRms"/> is its <c>match_rms_adamw</c>.</summary>
    public static Muon Torch { get; } = new()
    {
        LearningRate = 1e-3, WeightDecay = 0.1, Split = 1, NewtonSchulz = new() { Guard = NormGuard.Floor },
        Fallback = new AdamW(), FallbackScale = 1,
    };

    /// <summary>Moonlight (Liu et al., "Muon is scalable for LLM training", 2025): one learning rate, 1e-3, for Muon and AdamW.</summary>
    public static Muon Moonlight { get; } = new()
    {
        LearningRate = 1e-3, Accumulates = true, WeightDecay = 0.1, Scale = MuonScale.MatchRms, Split = 1,
        Fallback = new AdamW { Beta2 = 0.95, WeightDecay = 0.1 }, FallbackScale = 1,
    };

    /// <summary>Muon as proposed for Optimisers.jl.</summary>
    public static Muon Julia { get; } = new() { Accumulates = true, Split = 1, NewtonSchulz = new() { Epsilon = null } };

    /// <summary>The decay of the momentum, per step.</summary>
    public double Momentum { get; init => field = In(0, 0.999999, value); } = 0.95;

    /// <summary>True: momentum = mu momentum + gradient. False: mu momentum + (1 - mu) gradient, which has the same direction.</summary>
    public bool Accumulates { get; init; }

    /// <summary>Looks one step of momentum ahead.</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>The share of the weight taken away per step and unit of learning rate.</summary>
    public double WeightDecay { get; init => field = In(0, 1e6, value); } = 0.01;

    /// <summary>The factor of the update.</summary>
    public MuonScale Scale { get; init; }

    /// <summary>The orthogonalisation.</summary>
    public NewtonSchulz NewtonSchulz { get; init; } = new();

    /// <summary>
    /// The number of equal blocks of rows that are orthogonalised each by itself; null takes <see cref="Parameter.RowBlocks"/>.
    /// </summary>
    public int? Split { get; init => field = In(1, int.MaxValue, value); }

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
        if (parameter.Shape.Rank == 0 || parameter.Shape[0] % BlockCount(parameter) != 0 && Split is not null)
            throw new ArgumentException(
                $"Muon: {parameter} cannot be split into {BlockCount(parameter)} blocks of equal rows; choose a divisor of its first "
                + "size.");
        state.AddTensor("b", parameter.Shape);
    }

    /// <inheritdoc/>
    /// <exception cref="NonFiniteException">The momentum has an infinity or NaN.</exception>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        gradient.Step(new MuonMomentum(Momentum, Accumulates ? 1 : 1 - Momentum, Nesterov), gradient, state.Tensor("b"));
        int blocks = BlockCount(parameter);
        long start = 0;
        for (int i = 0; i < blocks; i++)
        {
            long rows = Split is null && blocks > 1 ? parameter.RowBlocks[i] : parameter.Shape[0] / blocks;
            StepBlock(parameter, gradient, start, rows, step.LearningRate);
            start += rows;
        }

        if (StepsTogether(parameter)) parameter.Value.Step(new MuonUpdate(step.LearningRate * WeightDecay, 1), gradient);
    }

    /// <summary>True where blocks may share a scale, so that their directions are gathered in the gradient and stepped as one.</summary>
    private bool StepsTogether(Parameter parameter) => parameter.Value.Type == DType.Int8 && BlockCount(parameter) > 1;

    private int BlockCount(Parameter parameter) => Split ?? Math.Max(1, parameter.RowBlocks.Count);

    private void StepBlock(Parameter parameter, Tensor gradient, long start, long rows, double learningRate)
    {
        using var scope = parameter.Value.Device.Scope(Name);
        long columns = Columns(parameter);
        var block = new Layout((rows, columns), (columns, 1), start * columns);
        var momentum = gradient.ViewAs(block with { Offset = gradient.Layout.Offset + block.Offset }, Name);
        var direction = NewtonSchulz.Consume(momentum, $"the momentum of {parameter}");
        double size = learningRate * Factor(parameter, rows, columns);
        if (StepsTogether(parameter)) momentum.Device.Backend.Map(new Affine(size, -0.0), direction.Read(Name), momentum.Write(Name));
        else parameter.Value.ViewAs(block, Name).Step(new MuonUpdate(learningRate * WeightDecay, size), direction);
    }

    private double Factor(Parameter parameter, double rows, double columns) => Scale switch
    {
        MuonScale.Original => Math.Sqrt(Math.Max(1, rows / columns)),
        MuonScale.LastTwoAxes when parameter.Shape.Rank > 2 => Math.Sqrt(Math.Max(1, (double)parameter.Shape[-2] / parameter.Shape[-1])),
        MuonScale.LastTwoAxes => Math.Sqrt(Math.Max(1, rows / columns)),
        MuonScale.MatchRms => 0.2 * Math.Sqrt(Math.Max(rows, columns)),
        _ => 1,
    };

    private static long Columns(Parameter parameter) => parameter.Shape.Rank == 0 ? 1 : parameter.Shape.Count / parameter.Shape[0];
}

/// <summary>One element of the momentum of <see cref="Muon"/>: s0 is b; the gradient, p, becomes u.</summary>
/// <param name="momentum">The decay of b.</param>
/// <param name="share">What b takes of the gradient.</param>
/// <param name="nesterov">Whether u looks one step ahead.</param>
public readonly struct MuonMomentum(Hyper momentum, Hyper share, bool nesterov) : IUpdate<MuonMomentum>
{
    private readonly Hyper momentum = momentum, share = share, fromGradient = nesterov ? share : 0, fromMomentum = nesterov ? momentum : 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        s0 = V.Fma(V.Of(momentum), s0, V.Of(share) * g);
        p = V.Fma(V.Of(fromMomentum), s0, V.Of(fromGradient) * g);
    }
}

/// <summary>One element of the step of <see cref="Muon"/>: g is the orthogonalised momentum.</summary>
/// <param name="decay">learningRate weightDecay.</param>
/// <param name="size">learningRate scale.</param>
public readonly struct MuonUpdate(Hyper decay, Hyper size) : IUpdate<MuonUpdate>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> => p = V.Fma(-V.Of(decay), p, p) - V.Of(size) * g;
}
