using System.Runtime.CompilerServices;
using Mayfly;

namespace Extending;

/// <summary>
/// Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023). State: m, of the parameter's shape.
/// <code>
/// c = beta1 m + (1 - beta1) g
/// p = p - learningRate (sign(c) + weightDecay p)
/// m = beta2 m + (1 - beta2) g
/// </code>
/// </summary>
public sealed record Lion : Rule
{
    public double Beta1 { get; init => field = In(0, 1.0, value); } = 0.9;

    public double Beta2 { get; init => field = In(0, 1.0, value); } = 0.99;

    public double WeightDecay { get; init => field = In(0, 1e6, value); }

    public override void Init(Parameter parameter, RuleState state) => state.AddTensor("m", parameter.Shape);

    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        var update = new LionUpdate(Beta1, Beta2, step.LearningRate, step.LearningRate * WeightDecay);
        parameter.Value.Step(update, gradient, state.Tensor("m"));
    }
}

/// <summary>One element of <see cref="Lion"/>: s0 is m.</summary>
public readonly struct LionUpdate(Hyper beta1, Hyper beta2, Hyper learningRate, Hyper decay) : IUpdate<LionUpdate>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        V zero = V.Of(0f), one = V.Of(1f);
        var c = V.Of(beta1) * s0 + (one - V.Of(beta1)) * g;
        var sign = V.Where(c, zero, -one, V.Where(zero, c, one, zero));
        p -= V.Of(learningRate) * sign + V.Of(decay) * p;
        s0 = V.Of(beta2) * s0 + (one - V.Of(beta2)) * g;
    }
}
