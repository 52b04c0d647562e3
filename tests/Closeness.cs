namespace Mayfly.Tests;

/// <summary>
/// How far a result may be from the right one. Each method states its measure; none is a multiple of the operation's input, which at a
/// large input would allow anything. The right values come from a computation of their own, in double precision, from the inputs alone.
/// </summary>
internal static class Closeness
{
    /// <summary>
    /// Each value is off by at most <paramref name="share"/> of <paramref name="scale"/>: of the largest that such a result can be, or of a
    /// vector's length. Infinities and not-a-numbers must stand at the same places.
    /// </summary>
    public static void OfScale(double scale, double share, ReadOnlySpan<double> actual, ReadOnlySpan<double> right, string what)
    {
        Assert.True(double.IsFinite(scale) && scale > 0 && share is > 0 and < 0.1, $"{what}: share {share} of {scale} states no error.");
        All(actual, right, what, _ => share * scale);
    }

    /// <summary>
    /// Each value is off by at most <paramref name="share"/> of itself, or of <paramref name="smallest"/> where it is smaller than that.
    /// </summary>
    public static void OfItself(double smallest, double share, ReadOnlySpan<double> actual, ReadOnlySpan<double> right, string what)
    {
        Assert.True(smallest >= 0 && share is > 0 and < 0.1, $"{what}: share {share} states no error.");
        All(actual, right, what, y => share * Math.Max(smallest, Math.Abs(y)));
    }

    private static void All(ReadOnlySpan<double> actual, ReadOnlySpan<double> right, string what, Func<double, double> most)
    {
        Assert.True(actual.Length == right.Length, $"{what}: {actual.Length} values, expected {right.Length}.");
        for (int i = 0; i < right.Length; i++)
        {
            double x = actual[i], y = right[i];
            if (x.Equals(y) || Math.Abs(x - y) <= most(y)) continue;
            Assert.Fail($"{what}: element {i} is {x:R}, right is {y:R}: off by {Math.Abs(x - y):E2}, allowed {most(y):E2}.");
        }
    }
}
