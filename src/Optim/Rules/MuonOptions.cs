namespace Mayfly;

/// <summary>How far <see cref="Muon"/> moves a matrix of a given shape.</summary>
public enum MuonScale
{
    /// <summary>sqrt(max(1, rows / columns)) of the flattened matrix.</summary>
    Original,

    /// <summary>As <see cref="Original"/>, of the last two axes of the tensor before it is flattened: a convolution's kernel height and width.</summary>
    LastTwoAxes,

    /// <summary>0.2 sqrt(max(rows, columns)): an update as large as AdamW's, root mean square, so that AdamW's learning rate carries over.</summary>
    MatchRms,

    /// <summary>1.</summary>
    None,
}

/// <summary>The settings of <see cref="Muon"/>. Change them by <c>with</c>, from the default or from a preset such as <see cref="Muon.Moonlight"/>.</summary>
public sealed record MuonOptions
{
    /// <summary>The decay of the momentum, per step.</summary>
    public double Momentum { get; init; } = 0.95;

    /// <summary>True: momentum = mu momentum + gradient. False: mu momentum + (1 - mu) gradient, which has the same direction.</summary>
    public bool Accumulates { get; init; }

    /// <summary>Looks one step of momentum ahead.</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>The share of the weight taken away per step and unit of learning rate.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>The factor of the update.</summary>
    public MuonScale Scale { get; init; }

    /// <summary>The orthogonalisation.</summary>
    public NewtonSchulz NewtonSchulz { get; init; } = new();

    /// <summary>The number of equal blocks of rows that are orthogonalised each by itself; null takes <see cref="Parameter.RowBlocks"/>.</summary>
    public int? Split { get; init; }

    /// <summary>True: a parameter without a gradient is stepped as if it were zero. False: it is left alone.</summary>
    public bool MissingAsZero { get; init; }

    /// <summary>What steps the parameters that are no matrices: those of one element per row. Null: they are taken as matrices of one column.</summary>
    public Rule? Fallback { get; init; } = new AdamW(0.9, 0.95, 1e-8, 0.01);

    /// <summary>The fallback's learning rate as a multiple of Muon's: 3e-4 to 0.02.</summary>
    public double FallbackScale { get; init; } = 0.015;
}
