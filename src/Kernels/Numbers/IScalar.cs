namespace Mayfly;

/// <summary>
/// A number made of others, in double precision, on the host or on a device. Only arithmetic, comparisons and <see cref="Numbers"/>, as a
/// kernel takes no function of the run-time library.
/// </summary>
/// <typeparam name="TSelf">The formula itself, a <c>readonly struct</c>.</typeparam>
public interface IScalar<TSelf> where TSelf : unmanaged, IScalar<TSelf>
{
    /// <summary>The number.</summary>
    /// <param name="a">Of what it is made.</param>
    /// <param name="b">The same.</param>
    /// <param name="kept">What is remembered from step to step; 0 where nothing is.</param>
    double Of(double a, double b, ref double kept);
}

/// <summary>A formula of which two numbers may come from the device.</summary>
/// <typeparam name="TSelf">The formula itself, a <c>readonly struct</c>.</typeparam>
public interface INumbered<TSelf> where TSelf : unmanaged, INumbered<TSelf>
{
    /// <summary>The formula with these numbers, in the order in which it is made of them.</summary>
    TSelf With(Hyper a, Hyper b);
}

/// <summary>What formulas of numbers are made of beside arithmetic.</summary>
public static class Numbers
{
    /// <summary>The square root.</summary>
    public static double Root(double x) => ILGPU.Algorithms.XMath.Sqrt(x);

    /// <summary>The larger one; not a number where <paramref name="x"/> is none.</summary>
    public static double AtLeast(double bound, double x) => bound > x ? bound : x;

    /// <summary>The smaller one; not a number where <paramref name="x"/> is none.</summary>
    public static double AtMost(double bound, double x) => bound < x ? bound : x;

    /// <summary>True for neither an infinity nor NaN.</summary>
    public static bool IsFinite(double x) => x - x == 0;
}
