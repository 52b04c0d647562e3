using System.Globalization;

namespace Mayfly;

/// <summary>What a rule knows about the step.</summary>
/// <param name="Step">The global step, from 1.</param>
/// <param name="LearningRate">The learning rate of this step for this parameter: the schedule's times the route's factor.</param>
/// <param name="Seed">The run's seed; with <see cref="Parameter.Index"/> it keys a rule's own random numbers.</param>
/// <param name="ClipFactor">
/// What the updater has multiplied the gradient by to limit a norm, at most 1. A limit on elements is multiplied by it too, so that it acts on the
/// gradient as it was.
/// </param>
public readonly record struct StepInfo(long Step, double LearningRate, ulong Seed, double ClipFactor = 1);

/// <summary>
/// How one parameter is changed by its gradient. A rule sees one parameter at a time, so it works inside the backward sweep as well as after it.
/// It holds hyper-parameters only; what it remembers of a parameter is in that parameter's <see cref="RuleState"/>.
/// </summary>
public abstract class Rule
{
    /// <summary>The name in tables and messages.</summary>
    public abstract string Name { get; }

    /// <summary>The hyper-parameters, for printing.</summary>
    public virtual IEnumerable<(string Key, double Value)> Settings => [];

    /// <summary>Adds to the empty <paramref name="state"/> what the rule remembers of <paramref name="parameter"/>. The default remembers nothing.</summary>
    public virtual void Init(Parameter parameter, RuleState state)
    {
    }

    /// <summary>
    /// Changes the gradient in place, for the next rule of a <see cref="Chain"/>, or steps the parameter, as by
    /// <see cref="Tensor.Step{TOp}"/>. The gradient is finite, dense and of the parameter's shape. Other parameters may not be read. Open a scope
    /// for tensors made here.
    /// </summary>
    public abstract void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step);

    /// <summary>True where the rule also steps a parameter that got no gradient, as if it were zero: momentum and decay go on acting.</summary>
    public virtual bool StepsWithoutGradient => false;

    /// <summary>
    /// This rule with one of its <see cref="Settings"/> changed; a rule that holds others changes it in each of them that has it. To change it in one
    /// kind of rule only, put that rule's name in front: <c>AdamW.beta1</c>.
    /// </summary>
    /// <returns>The changed rule, for the same state; null where no rule has this setting.</returns>
    /// <exception cref="ArgumentException">A value outside its range, or one that would need another state.</exception>
    public virtual Rule? Adjusted(string key, double value)
    {
        if (key.StartsWith(Name + ".", StringComparison.Ordinal)) key = key[(Name.Length + 1)..];
        return With(key, value);
    }

    /// <summary>True where the rule of that name steps this parameter: this rule or one it holds.</summary>
    public virtual bool Uses(string name, Parameter parameter) => Name == name;

    /// <summary>The same rule without weight decay, which the default route gives to gains and biases.</summary>
    public virtual Rule WithoutDecay() => this;

    /// <summary>Name and hyper-parameters.</summary>
    public override string ToString()
    {
        var settings = string.Join(", ", Settings.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value:G6}")));
        return settings.Length == 0 ? Name : $"{Name}({settings})";
    }

    /// <summary>This rule with one of its own settings changed; null where it has no such setting.</summary>
    protected virtual Rule? With(string key, double value) => null;

    /// <summary>Returns a hyper-parameter that lies in [low, high].</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does not.</exception>
    protected internal static double InRange(string rule, string name, double value, double low, double high) =>
        value >= low && value <= high
            ? value
            : throw new ArgumentOutOfRangeException(
                name, string.Create(CultureInfo.InvariantCulture, $"{rule}: {name} is {value}; it lies between {low} and {high}."));
}
