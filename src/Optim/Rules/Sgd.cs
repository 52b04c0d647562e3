using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Stochastic gradient descent with momentum, as PyTorch computes it; Nesterov's form after Sutskever, Martens, Dahl and Hinton ("On the importance
/// of initialization and momentum in deep learning", 2013):
/// <code>
/// d = g + weightDecay p
/// b = momentum b + (1 - dampening) d        (the parameter's first step: b = d)
/// p = p - learningRate b                    (Nesterov: d + momentum b; without momentum: d)
/// </code>
/// The decay is coupled: it goes through the momentum. State: b, of the parameter's shape, where momentum is not zero.
/// </summary>
public sealed class Sgd : Rule
{
    private readonly double momentum, dampening, weightDecay;
    private readonly bool nesterov;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="momentum">The decay of b per step; 0 keeps no state.</param>
    /// <param name="nesterov">Looks one step of momentum ahead.</param>
    /// <param name="weightDecay">Times the parameter, added to its gradient.</param>
    /// <param name="dampening">The share of the gradient that b does not take.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value outside its range.</exception>
    /// <exception cref="ArgumentException">Nesterov without momentum, or with dampening.</exception>
    public Sgd(double momentum = 0, bool nesterov = false, double weightDecay = 0, double dampening = 0)
    {
        this.momentum = InRange(Name, nameof(momentum), momentum, 0, 1);
        this.weightDecay = InRange(Name, nameof(weightDecay), weightDecay, 0, 1e6);
        this.dampening = InRange(Name, nameof(dampening), dampening, 0, 1);
        if (nesterov && (momentum == 0 || dampening != 0)) throw new ArgumentException("Sgd: Nesterov needs a momentum above 0 and no dampening.");
        this.nesterov = nesterov;
    }

    /// <inheritdoc/>
    public override string Name => nesterov ? "Sgd-Nesterov" : "Sgd";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings => [("momentum", momentum), ("dampening", dampening), ("weightDecay", weightDecay)];

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        state.AddNumber("steps", 0);
        if (momentum > 0) state.AddTensor("b", parameter.Shape);
    }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        bool first = ++state.Number("steps") == 1;
        float fromGradient = nesterov || momentum == 0 ? 1 : 0, fromMomentum = nesterov ? (float)momentum : momentum == 0 ? 0 : 1;
        var update = new SgdUpdate(
            (float)weightDecay, (float)momentum, first ? 1f : (float)(1 - dampening),
            (float)(step.LearningRate * fromGradient), (float)(step.LearningRate * fromMomentum));
        parameter.Value.Step(update, gradient, momentum > 0 ? state.Tensor("b") : null);
    }

    /// <inheritdoc/>
    public override Rule WithoutDecay() => weightDecay == 0 ? this : new Sgd(momentum, nesterov, 0, dampening);

    /// <inheritdoc/>
    protected override Rule? With(string key, double value) => key switch
    {
        nameof(momentum) => new Sgd(SameState(value), nesterov, weightDecay, dampening),
        nameof(weightDecay) => new Sgd(momentum, nesterov, value, dampening),
        nameof(dampening) => new Sgd(momentum, nesterov, weightDecay, value),
        _ => null,
    };

    private double SameState(double momentum) => momentum > 0 == this.momentum > 0
        ? momentum
        : throw new ArgumentException($"Sgd: momentum cannot go from {this.momentum} to {momentum}: only a momentum above 0 keeps a state.");
}

/// <summary>One element of <see cref="Sgd"/>: s0 is b.</summary>
/// <param name="weightDecay">Times the parameter, added to the gradient.</param>
/// <param name="momentum">The decay of b.</param>
/// <param name="share">What b takes of the gradient.</param>
/// <param name="gradientStep">The learning rate of the gradient.</param>
/// <param name="momentumStep">The learning rate of b.</param>
public readonly struct SgdUpdate(float weightDecay, float momentum, float share, float gradientStep, float momentumStep) : IUpdate<SgdUpdate>
{
    /// <summary>The formula with hyper-parameters for checks.</summary>
    public static SgdUpdate Sample => new(0.01f, 0.9f, 0.5f, 0.1f, 0.2f);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        var d = V.Fma(V.Of(weightDecay), p, g);
        s0 = V.Fma(V.Of(momentum), s0, V.Of(share) * d);
        p -= V.Of(gradientStep) * d + V.Of(momentumStep) * s0;
    }
}
