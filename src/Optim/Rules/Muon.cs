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
/// <see cref="Parameter.RowBlocks"/> are treated one by one. Parameters of one element per row go to the fallback;
/// <see cref="Route.For"/> sends it embeddings and the head too. State: b, of the parameter's shape. Work space: the matrix once more and
/// twice the square of its smaller side; the gradient's own memory is overwritten. Learning rate 0.02, the fallback's 3e-4.
/// </summary>
public sealed record Muon : OrthogonalMomentum
{
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

    /// <summary>
    /// Microsoft's dion: Polar Express, learning rate 0.01, no look ahead. <see cref="OrthogonalMomentum.PerHead"/> is its
    /// <c>num_heads</c>.
    /// </summary>
    public static Muon Dion { get; } = new()
    {
        LearningRate = 0.01, Accumulates = true, Nesterov = false, Scale = MuonScale.Spectral, Split = 1,
        NewtonSchulz = new() { Series = NewtonSchulzSeries.PolarExpress, Epsilon = 1e-8 },
        Fallback = new AdamW { Beta2 = 0.95 }, FallbackScale = 1,
    };
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

/// <summary>The same where only weights decay which the step makes smaller: where the weight and g have one sign, or one is zero.</summary>
/// <param name="decay">learningRate weightDecay.</param>
/// <param name="size">learningRate scale.</param>
public readonly struct CautiousUpdate(Hyper decay, Hyper size) : IUpdate<CautiousUpdate>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        var taken = V.Where(p * g, V.Of(0f), V.Of(0f), V.Of(decay));
        p = V.Fma(-taken, p, p) - V.Of(size) * g;
    }
}
