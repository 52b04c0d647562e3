namespace Mayfly;

/// <summary>
/// Applies rules one after the other: the first ones change the gradient, the last one steps the parameter. Learning rate and fallback
/// are the last one's; the fallback is chained behind the same first ones.
/// </summary>
public sealed record Chain : Rule
{
    private readonly Rule[] rules;

    /// <summary>Chains the given rules.</summary>
    /// <exception cref="ArgumentException">There are none.</exception>
    public Chain(params Rule[] rules) => this.rules = rules.Length > 0
        ? rules
        : throw new ArgumentException("Chain: no rules; give at least the one that steps the parameter.");

    /// <summary>The rules, first to last.</summary>
    public IReadOnlyList<Rule> Rules => rules;

    /// <inheritdoc/>
    public override string Name => string.Join(" -> ", rules.Select(r => r.Name));

    /// <summary>The settings of all rules, each with its rule's name in front.</summary>
    public override IEnumerable<(string Key, object? Value)> Settings =>
        rules.SelectMany(r => r.Settings.Select(s => ($"{r.Name}.{s.Key}", s.Value)));

    /// <inheritdoc/>
    public override double LearningRate => Last.LearningRate;

    /// <inheritdoc/>
    public override Rule? Fallback => Last.Fallback is { } fallback ? Ending(fallback) : null;

    /// <inheritdoc/>
    public override double FallbackScale => Last.FallbackScale;

    private Rule Last => rules[^1];

    /// <inheritdoc/>
    public override (Rule Rule, double Scale) For(Parameter parameter)
    {
        var (last, scale) = Last.For(parameter);
        return (ReferenceEquals(last, Last) ? this : Ending(last), scale);
    }

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        foreach (var rule in rules) rule.Init(parameter, state.AddPart());
    }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        for (int i = 0; i < rules.Length; i++) rules[i].Apply(parameter, gradient, state.Parts[i], step);
    }

    /// <inheritdoc/>
    public override bool StepsWithoutGradient => Last.StepsWithoutGradient;

    /// <inheritdoc/>
    public override Rule? Adjusted(string key, string value) => Each(r => r.Adjusted(key, value));

    /// <inheritdoc/>
    public override Rule? AdjustedWithFallback(string key, string value) => Each(r => r.AdjustedWithFallback(key, value));

    /// <inheritdoc/>
    public override bool Uses(string name) => Name == name || Array.Exists(rules, r => r.Uses(name));

    /// <inheritdoc/>
    public override Rule WithoutDecay() => Each(r => r.WithoutDecay())!;

    /// <summary>True for the same rules in the same order.</summary>
    public bool Equals(Chain? other) => other is not null && rules.AsSpan().SequenceEqual(other.rules);

    /// <inheritdoc/>
    public override int GetHashCode() => rules.Aggregate(0, HashCode.Combine);

    /// <summary>The rules with their settings.</summary>
    protected override string Describe() => string.Join(" -> ", rules.Select(r => r.ToString()));

    /// <summary>The chain with those rules changed for which there is an answer; null where there is none.</summary>
    private Chain? Each(Func<Rule, Rule?> change)
    {
        var changed = Array.ConvertAll(rules, r => change(r));
        return Array.TrueForAll(changed, r => r is null) ? null : new Chain([.. changed.Select((r, i) => r ?? rules[i])]);
    }

    private Chain Ending(Rule last) => new([.. rules[..^1], last]);
}
