using System.Globalization;

namespace Mayfly;

/// <summary>What a rule knows about the step.</summary>
/// <param name="Step">The global step, from 1.</param>
/// <param name="LearningRate">The learning rate of this step for this parameter: the schedule's times the route's factor.</param>
/// <param name="Seed">The run's seed; with <see cref="Parameter.Index"/> it keys a rule's own random numbers.</param>
/// <param name="ClipFactor">
/// What the updater has multiplied the gradient by to limit a norm, at most 1. A limit on elements is multiplied by it too, so that it
/// acts on the gradient as it was.
/// </param>
public readonly record struct StepInfo(long Step, double LearningRate, ulong Seed, double ClipFactor = 1)
{
    private readonly Number? clip;

    /// <summary>
    /// What the updater has multiplied the gradient by to limit a norm, at most 1. Asking waits for a device that has found it by itself.
    /// </summary>
    public double ClipFactor
    {
        get => clip?.Value ?? field;
        init => (field, clip) = (value, null);
    } = ClipFactor;

    /// <summary>The same step with a factor that a device may have.</summary>
    internal StepInfo(long step, double learningRate, ulong seed, Number clip) : this(step, learningRate, seed) => this.clip = clip;
}

/// <summary>
/// How one parameter is changed by its gradient. A rule sees one parameter at a time, so it works inside the backward sweep as well as
/// after it. It is a record of its settings, see <see cref="Adjustable"/>; change one by <c>rule with { Beta2 = 0.95 }</c>. What it
/// remembers of a parameter is in that parameter's <see cref="RuleState"/>. A published form of a rule is a static property of its type,
/// such as <see cref="Muon.Moonlight"/>.
/// </summary>
public abstract record Rule : Adjustable
{
    /// <summary>The usual learning rate, with which a schedule starts where no other is asked for.</summary>
    public virtual double LearningRate { get; init => field = In(0, 1e3, value); } = 1e-3;

    /// <summary>What <see cref="Route.For"/> trains embeddings, head, gains and biases by; null: this rule trains them too.</summary>
    public virtual Rule? Fallback { get; init; }

    /// <summary>The fallback's learning rate as a multiple of this rule's, a ratio that every schedule keeps.</summary>
    public virtual double FallbackScale { get; init => field = In(0, 1e6, value); } = 1;

    /// <summary>
    /// The rule that steps a parameter routed to this one, and its learning rate as a multiple: another where this one does not fit the
    /// parameter's shape. Routes ask it, so that tables show what is used.
    /// </summary>
    public virtual (Rule Rule, double Scale) For(Parameter parameter) => (this, 1);

    /// <summary>
    /// Adds to the empty <paramref name="state"/> what the rule remembers of <paramref name="parameter"/>. The default remembers nothing.
    /// </summary>
    /// <exception cref="ArgumentException">Settings that do not go together, or not with this parameter.</exception>
    public virtual void Init(Parameter parameter, RuleState state)
    {
    }

    /// <summary>
    /// Changes the gradient in place, for the next rule of a <see cref="Chain"/>, or steps the parameter, as by
    /// <see cref="Tensor.Step{TOp}(TOp, Tensor, Tensor?, Tensor?)"/>. The gradient is finite, dense and of the parameter's shape. Other
    /// parameters may not be read. Open a scope for tensors made here.
    /// </summary>
    public abstract void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step);

    /// <summary>
    /// True where the rule also steps a parameter that got no gradient, as if it were zero: momentum and decay go on acting.
    /// </summary>
    public virtual bool StepsWithoutGradient => false;

    /// <summary>
    /// This rule with one of its settings changed; a chain changes it in each rule that has it. To change it in one kind of rule only,
    /// put that rule's name in front: <c>AdamW.beta1</c>.
    /// </summary>
    /// <returns>The changed rule; null where there is no such setting.</returns>
    /// <exception cref="ArgumentException">The value is none of this setting's or outside its range.</exception>
    public virtual Rule? Adjusted(string key, string value) =>
        (Rule?)Changed(key.StartsWith(Name + ".", StringComparison.Ordinal) ? key[(Name.Length + 1)..] : key, value);

    /// <inheritdoc cref="Adjusted(string, string)"/>
    public Rule? Adjusted(string key, double value) => Adjusted(key, value.ToString("R", CultureInfo.InvariantCulture));

    /// <summary>This rule with one setting changed, its own and its fallback's; null where neither has it.</summary>
    /// <exception cref="ArgumentException">The value is none of this setting's or outside its range.</exception>
    public virtual Rule? AdjustedWithFallback(string key, string value)
    {
        var changed = Adjusted(key, value);
        return Fallback?.AdjustedWithFallback(key, value) is { } fallback ? (changed ?? this) with { Fallback = fallback } : changed;
    }

    /// <summary>True where this is the rule of that name, or a chain of which one is.</summary>
    public virtual bool Uses(string name) => Name == name;

    /// <summary>The same rule and fallback without weight decay, which routes give to gains and biases.</summary>
    public virtual Rule WithoutDecay() => AdjustedWithFallback("weightDecay", "0") ?? this;
}
