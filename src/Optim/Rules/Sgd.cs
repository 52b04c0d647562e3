using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Stochastic gradient descent with momentum, as PyTorch computes it; Nesterov's form after Sutskever, Martens, Dahl and Hinton ("On the
/// importance of initialization and momentum in deep learning", 2013):
/// <code>
/// d = g + weightDecay p
/// b = momentum b + (1 - dampening) d        (the parameter's first step: b = d)
/// p = p - learningRate b                    (Nesterov: d + momentum b; without momentum: d)
/// </code>
/// The decay is coupled: it goes through the momentum. State: b, of the parameter's shape, where momentum is not zero. Learning rate 0.1.
/// </summary>
public sealed record Sgd : Rule
{
    /// <summary>Sets the usual learning rate.</summary>
    public Sgd() => LearningRate = 0.1;

    /// <summary>The plain form of <see cref="Recipes"/>, tuned for small language models.</summary>
    public static Sgd Plain { get; } = new() { Momentum = 0.9, WeightDecay = 0.1 };

    /// <summary>The decay of b per step; 0 keeps no state.</summary>
    public double Momentum { get; init => field = In(0, 1.0, value); }

    /// <summary>The share of the gradient that b does not take.</summary>
    public double Dampening { get; init => field = In(0, 1.0, value); }

    /// <summary>Times the parameter, added to its gradient.</summary>
    public double WeightDecay { get; init => field = In(0, 1e6, value); }

    /// <summary>Looks one step of momentum ahead; needs a momentum and no dampening.</summary>
    public bool Nesterov { get; init; }

    /// <inheritdoc/>
    public override string Name => Nesterov ? "Sgd-Nesterov" : "Sgd";

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        if (Nesterov && (Momentum == 0 || Dampening != 0))
            throw new ArgumentException(
                $"{Name}: momentum is {Momentum} and dampening {Dampening}; Nesterov's form needs a momentum above 0 and no dampening.");
        state.AddNumber("steps", 0);
        if (Momentum > 0) state.AddTensor("b", parameter.Shape);
    }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        bool first = ++state.Number("steps") == 1;
        double fromGradient = Nesterov || Momentum == 0 ? 1 : 0, fromMomentum = Nesterov ? Momentum : Momentum == 0 ? 0 : 1;
        var update = new SgdUpdate(
            WeightDecay, Momentum, first ? 1 : 1 - Dampening, step.LearningRate * fromGradient, step.LearningRate * fromMomentum);
        parameter.Value.Step(update, gradient, Momentum > 0 ? state.Tensor("b") : null);
    }
}

/// <summary>One element of <see cref="Sgd"/>: s0 is b.</summary>
/// <param name="weightDecay">Times the parameter, added to the gradient.</param>
/// <param name="momentum">The decay of b.</param>
/// <param name="share">What b takes of the gradient.</param>
/// <param name="gradientStep">The learning rate of the gradient.</param>
/// <param name="momentumStep">The learning rate of b.</param>
public readonly struct SgdUpdate(Hyper weightDecay, Hyper momentum, Hyper share, Hyper gradientStep, Hyper momentumStep)
    : IUpdate<SgdUpdate>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        var d = V.Fma(V.Of(weightDecay), p, g);
        s0 = V.Fma(V.Of(momentum), s0, V.Of(share) * d);
        p -= V.Of(gradientStep) * d + V.Of(momentumStep) * s0;
    }
}
