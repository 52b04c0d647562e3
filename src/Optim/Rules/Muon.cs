using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Momentum, orthogonalised by <see cref="NewtonSchulz"/> (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024):
/// <code>
/// b = momentum b + (1 - momentum) g
/// u = momentum b + (1 - momentum) g         (without Nesterov: u = b)
/// p = p - learningRate weightDecay p
/// p = p - learningRate scale NewtonSchulz(u)
/// </code>
/// For hidden weight matrices (rows, columns); all axes but the first are flattened into columns, and the matrices of
/// <see cref="Parameter.RowBlocks"/> are treated one by one. Parameters of one element per row go to the fallback; <see cref="Route.Muon"/> sends it
/// embeddings and the head too. State: b, of the parameter's shape, or the fallback's. Work space: the matrix once more and twice the square of its
/// smaller side; the gradient's own memory is overwritten.
/// </summary>
public sealed class Muon : Rule
{
    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="options">Null takes the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value outside its range.</exception>
    public Muon(MuonOptions? options = null)
    {
        Options = options ?? new MuonOptions();
        InRange(Name, "momentum", Options.Momentum, 0, 0.999999);
        InRange(Name, "weightDecay", Options.WeightDecay, 0, 1e6);
        InRange(Name, "fallbackScale", Options.FallbackScale, 0, 1e6);
        InRange(Name, "split", Options.Split ?? 1, 1, int.MaxValue);
        InRange(Name, "Newton-Schulz steps", Options.NewtonSchulz.Steps, 1, 1000);
    }

    /// <summary>Keller Jordan's muon.py: a missing gradient is zero, no decay, convolutions scaled by their kernel. Learning rate 0.02.</summary>
    public static MuonOptions KellerJordan { get; } = new()
    {
        WeightDecay = 0, Scale = MuonScale.LastTwoAxes, Split = 1, MissingAsZero = true, Fallback = new AdamW(0.9, 0.95, 1e-10, 0),
    };

    /// <summary>torch.optim.Muon. Learning rate 1e-3; <see cref="MuonScale.MatchRms"/> is its <c>match_rms_adamw</c>.</summary>
    public static MuonOptions Torch { get; } = new()
    {
        WeightDecay = 0.1, Split = 1, NewtonSchulz = new NewtonSchulz { Guard = NormGuard.Floor }, Fallback = new AdamW(weightDecay: 0.01), FallbackScale = 1,
    };

    /// <summary>Moonlight (Liu et al., "Muon is scalable for LLM training", 2025): one learning rate, 1e-3, for Muon and AdamW.</summary>
    public static MuonOptions Moonlight { get; } = new()
    {
        Accumulates = true, WeightDecay = 0.1, Scale = MuonScale.MatchRms, Split = 1, Fallback = new AdamW(0.9, 0.95, 1e-8, 0.1), FallbackScale = 1,
    };

    /// <summary>Muon as proposed for Optimisers.jl. Learning rate 0.02.</summary>
    public static MuonOptions Julia { get; } = new() { Accumulates = true, Split = 1, NewtonSchulz = new NewtonSchulz { Epsilon = null } };

    /// <summary>The hyper-parameters.</summary>
    public MuonOptions Options { get; }

    /// <inheritdoc/>
    public override string Name => "Muon";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings =>
        [("momentum", Options.Momentum), ("weightDecay", Options.WeightDecay), ("fallbackScale", Options.FallbackScale)];

    /// <inheritdoc/>
    public override bool StepsWithoutGradient => Options.MissingAsZero;

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        if (FallbackFor(parameter) is { } fallback)
        {
            fallback.Init(parameter, state);
            return;
        }

        if (parameter.Shape.Rank == 0 || parameter.Shape[0] % BlockCount(parameter) != 0 && Options.Split is not null)
            throw new ArgumentException($"Muon: {parameter} cannot be split into {BlockCount(parameter)} blocks of equal rows; choose a divisor of its first size.");
        state.AddTensor("b", parameter.Shape);
    }

    /// <inheritdoc/>
    /// <exception cref="NonFiniteException">The momentum has an infinity or NaN.</exception>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        if (FallbackFor(parameter) is { } fallback)
        {
            fallback.Apply(parameter, gradient, state, step with { LearningRate = step.LearningRate * Options.FallbackScale });
            return;
        }

        float momentum = (float)Options.Momentum, share = Options.Accumulates ? 1 : (float)(1 - Options.Momentum);
        gradient.Step(new MuonMomentum(momentum, share, Options.Nesterov), gradient, state.Tensor("b"));
        int blocks = BlockCount(parameter);
        long start = 0;
        for (int i = 0; i < blocks; i++)
        {
            long rows = Options.Split is null && blocks > 1 ? parameter.RowBlocks[i] : parameter.Shape[0] / blocks;
            StepBlock(parameter, gradient, start, rows, step.LearningRate);
            start += rows;
        }
    }

    /// <inheritdoc/>
    public override Rule WithoutDecay() => new Muon(Options with { WeightDecay = 0, Fallback = Options.Fallback?.WithoutDecay() });

    /// <inheritdoc/>
    public override Rule? Adjusted(string key, double value)
    {
        var own = base.Adjusted(key, value) as Muon;
        return Options.Fallback?.Adjusted(key, value) is { } fallback ? new Muon((own ?? this).Options with { Fallback = fallback }) : own;
    }

    /// <inheritdoc/>
    public override bool Uses(string name, Parameter parameter) => FallbackFor(parameter)?.Uses(name, parameter) ?? Name == name;

    /// <inheritdoc/>
    protected override Rule? With(string key, double value) => key switch
    {
        "momentum" => new Muon(Options with { Momentum = value }),
        "weightDecay" => new Muon(Options with { WeightDecay = value }),
        "fallbackScale" => new Muon(Options with { FallbackScale = value }),
        _ => null,
    };

    private Rule? FallbackFor(Parameter parameter) => Columns(parameter) == 1 ? Options.Fallback : null;

    private int BlockCount(Parameter parameter) => Options.Split ?? Math.Max(1, parameter.RowBlocks.Count);

    private void StepBlock(Parameter parameter, Tensor gradient, long start, long rows, double learningRate)
    {
        using var scope = parameter.Value.Device.Scope(Name);
        long columns = Columns(parameter);
        var block = new Layout((rows, columns), (columns, 1), start * columns);
        var direction = Options.NewtonSchulz.Consume(
            gradient.ViewAs(block with { Offset = gradient.Layout.Offset + block.Offset }, Name), $"the momentum of {parameter}");
        double size = learningRate * Factor(parameter, rows, columns);
        parameter.Value.ViewAs(block, Name).Step(new MuonUpdate((float)(learningRate * Options.WeightDecay), (float)size), direction);
    }

    private double Factor(Parameter parameter, double rows, double columns) => Options.Scale switch
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
public readonly struct MuonMomentum(float momentum, float share, bool nesterov) : IUpdate<MuonMomentum>
{
    private readonly float momentum = momentum, share = share, fromGradient = nesterov ? share : 0, fromMomentum = nesterov ? momentum : 1;

    /// <summary>The formula with hyper-parameters for checks.</summary>
    public static MuonMomentum Sample => new(0.9f, 0.1f, true);

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
public readonly struct MuonUpdate(float decay, float size) : IUpdate<MuonUpdate>
{
    /// <summary>The formula with hyper-parameters for checks.</summary>
    public static MuonUpdate Sample => new(1e-3f, 0.1f);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> => p = V.Fma(V.Of(-decay), p, p) - V.Of(size) * g;
}
