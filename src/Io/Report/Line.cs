using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>One line of a chart.</summary>
/// <param name="Name">What the legend calls it.</param>
/// <param name="Style">Its class in the style sheet.</param>
/// <param name="X">Where its points are.</param>
/// <param name="Y">Their values; the line has a gap where one cannot be drawn.</param>
internal sealed record Line(string Name, string Style, double[] X, double[] Y)
{
    private const double Largest = 1e30;

    /// <summary>True for values that a chart can show.</summary>
    public static bool IsDrawn(double value) => Math.Abs(value) <= Largest;

    /// <summary>The values that can be drawn.</summary>
    public IEnumerable<double> Drawn => Y.Where(IsDrawn);

    /// <summary>The same line without its gaps, for what is measured only now and then.</summary>
    public Line Joined()
    {
        int[] kept = [.. Enumerable.Range(0, Y.Length).Where(i => IsDrawn(Y[i]))];
        return this with { X = [.. kept.Select(i => X[i])], Y = [.. kept.Select(i => Y[i])] };
    }

    /// <summary>
    /// The running mean with exponentially falling weights: half of the weight lies on the last hundredth of the points, or on
    /// the last point of fewer than a hundred. The first values count fully instead of from zero (the bias correction of Adam).
    /// </summary>
    public Line Smoothed(string name, string style)
    {
        double keep = Math.Pow(0.5, Math.Min(1, 100.0 / Math.Max(1, Y.Length)));
        var smooth = new double[Y.Length];
        double sum = 0, weight = 0;
        for (int i = 0; i < Y.Length; i++)
        {
            if (IsDrawn(Y[i])) (sum, weight) = (keep * sum + (1 - keep) * Y[i], keep * weight + (1 - keep));
            smooth[i] = IsDrawn(Y[i]) ? sum / weight : double.NaN;
        }

        return new Line(name, style, X, smooth);
    }

    /// <summary>
    /// The points to draw where there are more than a chart can show: of each of about <paramref name="buckets"/> neighbourhoods the first,
    /// the last, the lowest, the highest and one of those that make a gap, in order. So no extreme gets lost.
    /// </summary>
    public IEnumerable<int> Kept(int buckets)
    {
        if (Y.Length <= 2 * buckets) return Enumerable.Range(0, Y.Length);
        return Enumerable.Range(0, buckets).SelectMany(bucket =>
            Extremes((int)((long)bucket * Y.Length / buckets), (int)((bucket + 1L) * Y.Length / buckets)));
    }

    /// <summary>The data of an SVG path. A point without neighbours is a stroke of no length, which round caps make a dot.</summary>
    public string Path(Func<double, double> x, Func<double, double> y, int buckets)
    {
        var path = new StringBuilder();
        bool isDown = false;
        foreach (int i in Kept(buckets))
        {
            bool isDrawn = IsDrawn(Y[i]);
            if (isDrawn)
                path.Append(CultureInfo.InvariantCulture, $"{(isDown ? 'L' : 'M')}{x(X[i]):0.#} {y(Y[i]):0.#}{(isDown ? "" : "h0")}");
            isDown = isDrawn;
        }

        return path.ToString();
    }

    private SortedSet<int> Extremes(int first, int end)
    {
        int low = first, high = first, gap = first;
        for (int i = first; i < end; i++)
        {
            if (!IsDrawn(Y[i])) gap = i;
            else if (!IsDrawn(Y[low]) || Y[i] < Y[low]) low = i;
            if (IsDrawn(Y[i]) && (!IsDrawn(Y[high]) || Y[i] > Y[high])) high = i;
        }

        return [first, low, high, gap, end - 1];
    }
}
