namespace Mayfly;

/// <summary>
/// How a step rounds what it writes to types that are storage only. Rounding to nearest would lose every change below half the distance to
/// the next number, which is most of them; a random one keeps it on average. The numbers depend on the seed, the step, the parameter and
/// the element's place alone, so that neither threads nor the moment or order of the parameters' steps matter.
/// </summary>
internal readonly ref struct RoundingDraws
{
    // Streams of one parameter: some for each tensor, of which its writes take one after the other; the upper half is the gradient's.
    private const int StreamsOfTensor = 1 << 8, StreamsOfParameter = 1 << 16, GradientStreams = StreamsOfParameter / 2;
    private readonly Parameter parameter;
    private readonly RuleState state;

    /// <summary>Gives the stored ones of the parameter and its state their keys.</summary>
    public RoundingDraws(Parameter parameter, RuleState state, in StepInfo step)
    {
        (this.parameter, this.state) = (parameter, state);
        var key = Key(step.Seed, step.Step, parameter);
        Set(parameter.Value, key);
        for (int i = 0; i < state.TensorCount; i++)
            Set(state.TensorAt(i), key with { Stream = key.Stream + (ulong)(i + 1) * StreamsOfTensor });
    }

    /// <summary>Writes round to nearest again.</summary>
    public void End()
    {
        parameter.Value.Rounding = null;
        for (int i = 0; i < state.TensorCount; i++) state.TensorAt(i).Rounding = null;
    }

    /// <summary>The key of a sum of gradients that is rounded after a micro-batch.</summary>
    public static RandomKey OfGradient(ulong seed, long step, Parameter parameter, int microBatch)
    {
        var key = Key(seed, step, parameter);
        return key with { Stream = key.Stream + GradientStreams + (ulong)microBatch };
    }

    private static RandomKey Key(ulong seed, long step, Parameter parameter) =>
        new(Mixed(seed, step), (ulong)parameter.Index * StreamsOfParameter);

    private static void Set(Tensor tensor, RandomKey key)
    {
        if (tensor.Type.IsStored()) tensor.Rounding = key;
    }

    /// <summary>A seed of its own for each step, by the finaliser of SplitMix64 (Steele, Lea and Flood 2014).</summary>
    private static ulong Mixed(ulong seed, long step)
    {
        ulong z = seed + (ulong)step * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
