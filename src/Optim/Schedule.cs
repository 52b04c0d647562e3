namespace Mayfly;

/// <summary>
/// The learning rate of each step. Those with a warm-up are finite and within [0, peak] at every step where the minimum is: at step 0,
/// which plots ask for, the rate is 0, or the peak where there is no warm-up; a warm-up comes first, also where it ends after the total;
/// and after both the rate is the minimum.
/// </summary>
public abstract record Schedule
{
    /// <summary>The learning rate of a step, counted from 1.</summary>
    public abstract double At(long step);

    /// <summary>The rates of a function of the step, counted from 1.</summary>
    public static Schedule Of(Func<long, double> rate) => new Computed(rate);

    /// <summary>A constant learning rate.</summary>
    public static implicit operator Schedule(double learningRate) => new Constant(learningRate);

    /// <summary>The rate on the way up: the peak's share of the warm-up that is done, all of it where there is none.</summary>
    private protected static double Rising(double peak, long step, long warmUp) => warmUp > 0 ? peak * Math.Max(0, step) / warmUp : peak;

    /// <summary>
    /// The share of <paramref name="step"/> in the way from <paramref name="from"/> to <paramref name="to"/>, within [0, 1].
    /// </summary>
    private protected static double Share(long step, long from, long to) =>
        to <= from ? 1 : Math.Clamp((double)(step - from) / (to - from), 0, 1);
}

/// <summary>The same rate at every step.</summary>
public sealed record Constant(double LearningRate) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) => LearningRate;
}

/// <summary>
/// Linear warm-up, then half a cosine (Loshchilov and Hutter, "SGDR", 2017):
/// <code>
/// step &lt;= warmUp:  peak step / warmUp
/// later:            minimum + (peak - minimum) (1 + cos(pi s)) / 2,   s = (step - warmUp) / (total - warmUp)
/// after total:      minimum
/// </code>
/// </summary>
/// <param name="Peak">The rate at step <paramref name="WarmUp"/>.</param>
/// <param name="Minimum">The rate at step <paramref name="Total"/> and after it.</param>
/// <param name="WarmUp">Steps of warm-up; may be 0.</param>
/// <param name="Total">The step that reaches the minimum.</param>
public sealed record WarmUpCosine(double Peak, double Minimum, long WarmUp, long Total) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) =>
        step <= WarmUp ? Rising(Peak, step, WarmUp) : Minimum + (Peak - Minimum) * (1 + Math.Cos(Math.PI * Share(step, WarmUp, Total))) / 2;
}

/// <summary>
/// Linear warm-up, then linear decay:
/// <code>
/// step &lt;= warmUp:  peak step / warmUp
/// later:            peak + (minimum - peak) (step - warmUp) / (total - warmUp)
/// after total:      minimum
/// </code>
/// </summary>
/// <param name="Peak">The rate at step <paramref name="WarmUp"/>.</param>
/// <param name="Minimum">The rate at step <paramref name="Total"/> and after it.</param>
/// <param name="WarmUp">Steps of warm-up; may be 0.</param>
/// <param name="Total">The step that reaches the minimum.</param>
public sealed record WarmUpLinear(double Peak, double Minimum, long WarmUp, long Total) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) =>
        step <= WarmUp ? Rising(Peak, step, WarmUp) : Peak + (Minimum - Peak) * Share(step, WarmUp, Total);
}

/// <summary>
/// Linear warm-up, a constant stretch, a linear decay over the last steps (Hu et al., "MiniCPM", 2024):
/// <code>
/// step &lt;= warmUp:         peak step / warmUp
/// step &lt;= total - decay:  peak
/// later:                   peak + (minimum - peak) (step - (total - decay)) / decay
/// after total:             minimum
/// </code>
/// A decay longer than what the warm-up leaves is that long: it starts from the peak at the warm-up's end.
/// </summary>
/// <param name="Peak">The rate of the constant stretch.</param>
/// <param name="Minimum">The rate at step <paramref name="Total"/> and after it.</param>
/// <param name="WarmUp">Steps of warm-up; may be 0.</param>
/// <param name="Decay">Steps of decay, at most those after the warm-up.</param>
/// <param name="Total">The step that reaches the minimum.</param>
public sealed record WarmUpStableDecay(double Peak, double Minimum, long WarmUp, long Decay, long Total) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) =>
        step <= WarmUp ? Rising(Peak, step, WarmUp)
        : Peak + (Minimum - Peak) * Share(step, Math.Max(WarmUp, Total - Decay), Total);
}

/// <summary>A rate that a function gives.</summary>
/// <param name="Rate">The rate of a step, counted from 1.</param>
public sealed record Computed(Func<long, double> Rate) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) => Rate(step);
}

/// <summary>
/// Linear warm-up, then a cosine that starts again from the peak (Loshchilov and Hutter, "SGDR", 2017):
/// <code>
/// step &lt;= warmUp:  peak step / warmUp
/// later:            minimum + (peak - minimum) (1 + cos(pi s)) / 2,   s the share of its period that is done
/// </code>
/// </summary>
/// <param name="Peak">The rate at step <paramref name="WarmUp"/> and at each restart.</param>
/// <param name="Minimum">What each period comes down to.</param>
/// <param name="WarmUp">Steps of warm-up; may be 0.</param>
/// <param name="Period">Steps of the first period.</param>
/// <param name="Growth">How many times as long each period is as the one before it, at least 1.</param>
public sealed record CosineRestarts(double Peak, double Minimum, long WarmUp, long Period, double Growth = 1) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) =>
        step <= WarmUp ? Rising(Peak, step, WarmUp) : Minimum + (Peak - Minimum) * (1 + Math.Cos(Math.PI * Done(step - WarmUp))) / 2;

    /// <summary>The share of its period that is done so many steps after the warm-up.</summary>
    private double Done(long steps)
    {
        double length = Math.Max(1, Period), growth = Math.Max(1, Growth);
        if (growth == 1) return steps % length / length;
        double period = Math.Floor(Math.Log(1 + steps * (growth - 1) / length, growth)), before = Math.Pow(growth, period);
        return Math.Clamp((steps - length * (before - 1) / (growth - 1)) / (length * before), 0, 1);
    }
}

/// <summary>
/// One cycle (Smith and Topin 2018): half a cosine from peak / 25 up to the peak, then half a cosine down to almost nothing.
/// <code>
/// step &lt;= rise:  start + (peak - start) (1 - cos(pi step / rise)) / 2,   start = peak / 25
/// later:          end + (peak - end) (1 + cos(pi s)) / 2,                 end = start / 10000, s = (step - rise) / (total - rise)
/// </code>
/// </summary>
/// <param name="Peak">The rate at step <paramref name="Rise"/>.</param>
/// <param name="Rise">Steps up.</param>
/// <param name="Total">The step that reaches the end.</param>
public sealed record OneCycle(double Peak, long Rise, long Total) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step)
    {
        double start = Peak / 25, end = start / 10_000;
        return step <= Rise ? Between(start, Peak, Share(step, 0, Rise)) : Between(Peak, end, Share(step, Rise, Total));
    }

    private static double Between(double from, double to, double share) => from + (to - from) * (1 - Math.Cos(Math.PI * share)) / 2;
}
