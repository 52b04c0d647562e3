namespace Mayfly;

/// <summary>
/// What the loss is multiplied by before the backward sweep, found by trying, for gradients that wait in <see cref="DType.F16"/>: small
/// ones would vanish there, large ones become infinite. A step with an infinite gradient is left out, and the scale divided by the factor;
/// after a window of steps without one it is multiplied by it (Micikevicius et al., "Mixed precision training", 2018). The defaults are
/// those that are usual with half precision; the conditions are those of LOMO's code.
/// </summary>
public sealed record LossScaling : Adjustable
{
    internal const string Scale = "lossScale", Step = "lossScaleStep", LastOverflow = "lossScaleLastOverflow", Left = "lossScaleHysteresis";

    /// <summary>The scale of the first step.</summary>
    public double Start { get; init => field = In(1e-30, 1e30, value); } = 65536;

    /// <summary>What it is multiplied or divided by.</summary>
    public double Factor { get; init => field = In(1, 1e6, value); } = 2;

    /// <summary>Steps without an infinite gradient after which it grows.</summary>
    public long Window { get; init => field = In(1, 1L << 40, value); } = 2000;

    /// <summary>Where it stops falling: a step that overflows with it is an error.</summary>
    public double Least { get; init => field = In(1e-30, 1e30, value); } = 1;

    /// <summary>How many steps must overflow before it falls.</summary>
    public long Hysteresis { get; init => field = In(1, 1L << 20, value); } = 1;

    /// <summary>True: a step without overflow counts these anew; false: only growth does.</summary>
    public bool ConsecutiveHysteresis { get; init; }

    /// <summary>Adds the numbers that it remembers.</summary>
    internal void Init(RuleState state)
    {
        state.AddNumber(Scale, Start);
        state.AddNumber(Step, 0);
        state.AddNumber(LastOverflow, -1);
        state.AddNumber(Left, Hysteresis);
    }

    /// <summary>Takes note of a step.</summary>
    /// <returns>False where it overflowed at the least scale.</returns>
    internal bool Note(RuleState state, bool overflow)
    {
        bool good = !overflow || state.Number(Scale) > Least || state.Number(Left) > 1;
        if (overflow) Fall(state);
        else Grow(state);
        state.Number(Step)++;
        return good;
    }

    private void Fall(RuleState state)
    {
        if (state.Number(Left) <= 1) state.Number(Scale) = Math.Max(state.Number(Scale) / Factor, Least);
        else state.Number(Left)--;
        state.Number(LastOverflow) = state.Number(Step);
    }

    private void Grow(RuleState state)
    {
        bool grows = (state.Number(Step) - state.Number(LastOverflow)) % Window == 0;
        if (ConsecutiveHysteresis || grows) state.Number(Left) = Hysteresis;
        if (grows) state.Number(Scale) *= Factor;
    }
}
