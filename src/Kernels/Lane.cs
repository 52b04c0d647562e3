namespace Mayfly;

/// <summary>
/// What a formula may do with a number. A lane is a one-field struct: a float (<see cref="F1"/>), a double (<see cref="D1"/>), a SIMD
/// vector (<see cref="F4"/>, <see cref="F8"/>, <see cref="F16"/>), a GPU thread's float, or a value with its derivative
/// (<see cref="Dual{V}"/>). A formula is written once over <c>V : struct, ILane&lt;V&gt;</c> and runs as all of them.
/// </summary>
/// <typeparam name="V">The lane itself.</typeparam>
public interface ILane<V> where V : struct, ILane<V>
{
    /// <summary>The constant <paramref name="x"/> in every element.</summary>
    static abstract V Of(float x);

    /// <summary>The constant <paramref name="x"/> in every element, rounded to the lane's precision.</summary>
    static abstract V Of(double x);

    /// <summary>The constant <paramref name="x"/> in every element, in the lane's precision.</summary>
    static abstract V Of(Hyper x);

    /// <summary>Sum.</summary>
    static abstract V operator +(V a, V b);

    /// <summary>Difference.</summary>
    static abstract V operator -(V a, V b);

    /// <summary>Product.</summary>
    static abstract V operator *(V a, V b);

    /// <summary>Quotient.</summary>
    static abstract V operator /(V a, V b);

    /// <summary>Negation.</summary>
    static abstract V operator -(V a);

    /// <summary><c>a * b + c</c>, fused where the hardware does it without a call.</summary>
    static abstract V Fma(V a, V b, V c);

    /// <summary>Absolute value.</summary>
    static abstract V Abs(V a);

    /// <summary>The larger value; NaN if either is NaN.</summary>
    static abstract V Max(V a, V b);

    /// <summary>The smaller value; NaN if either is NaN.</summary>
    static abstract V Min(V a, V b);

    /// <summary>Square root; NaN below zero.</summary>
    static abstract V Sqrt(V a);

    /// <summary>e to the power of <paramref name="a"/>.</summary>
    static abstract V Exp(V a);

    /// <summary>Natural logarithm; negative infinity at zero, NaN below.</summary>
    static abstract V Log(V a);

    /// <summary>The power of an <paramref name="a"/> that is not below zero; <see cref="Mayfly.Power.Of{V}"/> takes any.</summary>
    static abstract V Power(V a, in Power power);

    /// <summary>Hyperbolic tangent.</summary>
    static abstract V Tanh(V a);

    /// <summary>The error function.</summary>
    static abstract V Erf(V a);

    /// <summary>The sine of an angle in radians; NaN at the infinities.</summary>
    static abstract V Sin(V a);

    /// <summary>The cosine of an angle in radians; NaN at the infinities.</summary>
    static abstract V Cos(V a);

    /// <summary>Rounds to the nearest integer, ties to even. Its derivative is zero.</summary>
    static abstract V Round(V a);

    /// <summary>
    /// Branch-free select: <c>a &lt; b ? ifLess : otherwise</c>; a NaN on either side selects <paramref name="otherwise"/>.
    /// </summary>
    static abstract V Where(V a, V b, V ifLess, V otherwise);

    /// <summary>Branch-free select: <c>a == b ? ifEqual : otherwise</c>; NaN equals nothing.</summary>
    static abstract V WhereEqual(V a, V b, V ifEqual, V otherwise);
}

/// <summary>A lane that lives in memory: <see cref="Count"/> consecutive elements of one type.</summary>
/// <typeparam name="V">The lane itself.</typeparam>
public unsafe interface IMemoryLane<V> : ILane<V> where V : struct, IMemoryLane<V>
{
    /// <summary>Elements per lane.</summary>
    static abstract int Count { get; }

    /// <summary>The type of one element.</summary>
    static abstract DType Type { get; }

    /// <summary>Reads <see cref="Count"/> elements; no alignment needed.</summary>
    static abstract V Load(void* p);

    /// <summary>Writes <see cref="Count"/> elements; no alignment needed.</summary>
    static abstract void Store(void* p, V x);

    /// <summary>The sum of the lane's elements in a fixed order (a binary tree).</summary>
    static abstract double Sum(V x);

    /// <summary>The largest of the lane's elements; NaN if any is NaN.</summary>
    static abstract double Largest(V x);
}

/// <summary>A lane of single-precision elements with the bit operations that exp and log are built from.</summary>
/// <typeparam name="V">The lane itself.</typeparam>
public unsafe interface ISimd<V> : IMemoryLane<V> where V : struct, ISimd<V>
{
    /// <summary>
    /// The larger value in one instruction; a NaN in <paramref name="b"/> is returned, one in <paramref name="a"/> may be lost.
    /// </summary>
    static abstract V MaxNative(V a, V b);

    /// <summary>
    /// The smaller value in one instruction; a NaN in <paramref name="b"/> is returned, one in <paramref name="a"/> may be lost.
    /// </summary>
    static abstract V MinNative(V a, V b);

    /// <summary><paramref name="a"/> with the sign of <paramref name="sign"/>.</summary>
    static abstract V CopySign(V a, V sign);

    /// <summary>
    /// <c>x * 2^n</c>, rounded once, for an integral <paramref name="n"/> in [-160, 254] and x near 1: overflows to infinity, underflows
    /// gradually.
    /// </summary>
    static abstract V Scale(V x, V n);

    /// <summary>The binary exponent of a positive normal number as a float: floor(log2(x)).</summary>
    static abstract V Exponent(V x);

    /// <summary>The mantissa of a positive normal number, in [1, 2).</summary>
    static abstract V Mantissa(V x);

    /// <summary>Reads one float into every element.</summary>
    static abstract V Broadcast(float* p);

    /// <summary>Writes the first <paramref name="count"/> elements.</summary>
    static abstract void StorePart(float* p, V x, int count);

    /// <summary>Reads the first <paramref name="count"/> elements and fills the others with zero.</summary>
    static abstract V LoadPart(float* p, int count);
}
