namespace Mayfly;

/// <summary>The settings of <see cref="GaLore"/>. Change them by <c>with</c>, from the default or from <see cref="GaLore.Official"/>.</summary>
public sealed record GaLoreOptions
{
    /// <summary>The rank of the projection. A matrix whose smaller side is not larger goes to the fallback, which then costs no more.</summary>
    public int Rank { get; init; } = 128;

    /// <summary>Steps from one projection to the next: it is made at steps 1, refresh + 1, 2 refresh + 1, ...; 0 keeps the first.</summary>
    public int Refresh { get; init; } = 200;

    /// <summary>The factor of the update.</summary>
    public double Scale { get; init; } = 0.25;

    /// <summary>The decay of m, per step.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The decay of v, per step.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>True: epsilon is added to the root before bias correction. False: after it.</summary>
    public bool EpsilonBeforeCorrection { get; init; }

    /// <summary>The share of the weight taken away per step and unit of learning rate.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>True: the decay is of the weight already stepped. False: of the one before.</summary>
    public bool DecayAfter { get; init; }

    /// <summary>The roles that are projected; others go to the fallback, AdamW with the same hyper-parameters.</summary>
    public IReadOnlyList<Role> Roles { get; init; } = [Role.Hidden];
}
