using System.Globalization;

namespace Mayfly;

/// <summary>An axis with round ticks.</summary>
/// <param name="Low">Its first value.</param>
/// <param name="High">Its last value, above the first.</param>
/// <param name="Step">The distance of ticks: 1, 2 or 5 times a power of ten.</param>
internal sealed record Axis(double Low, double High, double Step)
{
    private const double Slack = 1e-9, Million = 1e6, Billion = 1e9;

    /// <summary>The ticks from low to high.</summary>
    public IEnumerable<double> Ticks
    {
        get
        {
            double last = Math.Floor(High / Step + Slack);
            for (double i = Math.Ceiling(Low / Step - Slack); i <= last; i++) yield return i * Step;
        }
    }

    /// <summary>
    /// An axis from <paramref name="low"/> to <paramref name="high"/>, widened where they are the same, with about <paramref name="most"/>
    /// ticks at most.
    /// </summary>
    public static Axis Over(double low, double high, int most)
    {
        double size = Math.Max(Math.Abs(low), Math.Abs(high));
        if (high - low <= Slack * size) (low, high) = size == 0 ? (0, 1) : (low - size / 10, high + size / 10);
        return new Axis(low, high, RoundStep((high - low) / most));
    }

    /// <summary>The same axis, widened to begin and end with a tick.</summary>
    public Axis Rounded() => this with { Low = Math.Floor(Low / Step + Slack) * Step, High = Math.Ceiling(High / Step - Slack) * Step };

    /// <summary>Where a value lies: 0 at the beginning, 1 at the end.</summary>
    public double Place(double value) => (value - Low) / (High - Low);

    /// <summary>The text at a tick, with as many decimals as the ticks need.</summary>
    public string Label(double tick)
    {
        double size = Math.Max(Math.Abs(Low), Math.Abs(High));
        if (Math.Abs(tick) < Step / 2) return "0";
        if (size < 1e-3 || size >= Million * Million) return tick.ToString("0.##e-0", CultureInfo.InvariantCulture);
        var (unit, suffix) = size >= Billion ? (Billion, "G") : size >= Million ? (Million, "M") : (1, "");
        return (tick / unit).ToString($"N{Decimals(Step / unit)}", CultureInfo.InvariantCulture) + suffix;
    }

    private static int Decimals(double step) => (int)Math.Clamp(-Math.Floor(Math.Log10(step) + Slack), 0, 9);

    /// <summary>The smallest round step that is no less than <paramref name="least"/>.</summary>
    private static double RoundStep(double least)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        foreach (int factor in (ReadOnlySpan<int>)[1, 2, 5])
            if (factor * power >= least * (1 - Slack)) return factor * power;
        return 10 * power;
    }
}
