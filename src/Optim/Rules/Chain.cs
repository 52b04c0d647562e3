namespace Mayfly;

/// <summary>Applies rules one after the other: the first ones change the gradient, the last one steps the parameter.</summary>
public sealed class Chain : Rule
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
    public override bool StepsWithoutGradient => rules[^1].StepsWithoutGradient;

    /// <inheritdoc/>
    public override Rule? Adjusted(string key, double value)
    {
        var changed = Array.ConvertAll(rules, r => r.Adjusted(key, value));
        return Array.TrueForAll(changed, r => r is null) ? null : new Chain([.. changed.Select((r, i) => r ?? rules[i])]);
    }

    /// <inheritdoc/>
    public override bool Uses(string name, Parameter parameter) => Name == name || Array.Exists(rules, r => r.Uses(name, parameter));

    /// <inheritdoc/>
    public override Rule WithoutDecay() => new Chain(Array.ConvertAll(rules, r => r.WithoutDecay()));

    /// <summary>The rules with their hyper-parameters.</summary>
    public override string ToString() => string.Join(" -> ", rules.Select(r => r.ToString()));
}
