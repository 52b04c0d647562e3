namespace Mayfly;

/// <summary>What the derivative of a formula is computed from, and so what an op keeps for backward.</summary>
public enum Keep
{
    /// <summary>The input x.</summary>
    Input,

    /// <summary>The result y = F(x); the input's memory is free after the op.</summary>
    Result,

    /// <summary>Neither: the derivative does not depend on x.</summary>
    Nothing,
}

/// <summary>
/// A function of one element, y = F(x). Implement <see cref="F{V}"/>; the derivative comes from the dual lane unless <see cref="D{V}"/> is
/// written by hand, which pays where it is cheaper than the function. Fields are hyper-parameters and must be unmanaged.
/// </summary>
/// <typeparam name="TSelf">The formula itself, a <c>readonly struct</c>.</typeparam>
public interface IMap1<TSelf> where TSelf : unmanaged, IMap1<TSelf>
{
    /// <summary>The value.</summary>
    V F<V>(V x) where V : struct, ILane<V>;

    /// <summary>
    /// What <see cref="D{V}"/> is given in the place of x. Other than the input only together with a <see cref="D{V}"/> by hand.
    /// </summary>
    static virtual Keep Keeps => Keep.Input;

    /// <summary>
    /// The vector-Jacobian product dy * F'(x). In the place of x it gets what <see cref="Keeps"/> says: x, the result y, or any number.
    /// </summary>
    static virtual V D<V>(TSelf formula, V x, V dy) where V : struct, ILane<V> => dy * formula.F(new Dual<V>(x, V.Of(1f))).Tangent;
}

/// <summary>The activation that changes nothing.</summary>
public readonly struct Identity : IMap1<Identity>
{
    /// <inheritdoc/>
    public V F<V>(V x) where V : struct, ILane<V> => x;

    /// <inheritdoc/>
    public static Keep Keeps => Keep.Nothing;

    /// <inheritdoc/>
    public static V D<V>(Identity formula, V x, V dy) where V : struct, ILane<V> => dy;
}

/// <summary>A function of two elements, y = F(a, b).</summary>
/// <typeparam name="TSelf">The formula itself, a <c>readonly struct</c>.</typeparam>
public interface IMap2<TSelf> where TSelf : unmanaged, IMap2<TSelf>
{
    /// <summary>The value.</summary>
    V F<V>(V a, V b) where V : struct, ILane<V>;

    /// <summary>dy * dF/da.</summary>
    static virtual V DA<V>(TSelf formula, V a, V b, V dy) where V : struct, ILane<V> =>
        dy * formula.F(new Dual<V>(a, V.Of(1f)), new Dual<V>(b, V.Of(0f))).Tangent;

    /// <summary>dy * dF/db.</summary>
    static virtual V DB<V>(TSelf formula, V a, V b, V dy) where V : struct, ILane<V> =>
        dy * formula.F(new Dual<V>(a, V.Of(0f)), new Dual<V>(b, V.Of(1f))).Tangent;
}

/// <summary>A function of three elements, y = F(a, b, c), without a derivative of its own.</summary>
/// <typeparam name="TSelf">The formula itself, a <c>readonly struct</c>.</typeparam>
public interface IMap3<TSelf> where TSelf : unmanaged, IMap3<TSelf>
{
    /// <summary>The value.</summary>
    V F<V>(V a, V b, V c) where V : struct, ILane<V>;
}

/// <summary>How the numbers of a fold come together.</summary>
public enum FoldKind
{
    /// <summary>Addition, in a tree whose form depends on the shape alone.</summary>
    Sum,

    /// <summary>The largest number.</summary>
    Max,
}

/// <summary>
/// A reduction: each element is mapped by <see cref="Map{V}"/>, the results are folded, the total passes <see cref="Finish{V}"/>.
/// </summary>
/// <typeparam name="TSelf">The formula itself, a <c>readonly struct</c>.</typeparam>
public interface IFold<TSelf> where TSelf : unmanaged, IFold<TSelf>
{
    /// <summary>Sum, if not said otherwise, or largest.</summary>
    static virtual FoldKind Kind => FoldKind.Sum;

    /// <summary>What one element contributes.</summary>
    V Map<V>(V x) where V : struct, ILane<V>;

    /// <summary>What becomes of the total.</summary>
    V Finish<V>(V total) where V : struct, ILane<V>;
}

/// <summary>
/// What a row formula sees at one column: the row's element, the gradient's element, the column's gain and bias (zero where the call gave
/// none).
/// </summary>
/// <typeparam name="V">The lane.</typeparam>
public readonly struct RowItem<V>(V x, V dy, V gain, V bias) where V : struct, ILane<V>
{
    /// <summary>The row's element.</summary>
    public readonly V X = x;

    /// <summary>The second row's element; in a backward formula the upstream gradient.</summary>
    public readonly V Dy = dy;

    /// <summary>The column's gain.</summary>
    public readonly V Gain = gain;

    /// <summary>The column's bias.</summary>
    public readonly V Bias = bias;
}

/// <summary>
/// The numbers a row formula knows about its row, each the same in every element: a backward formula finds the shift and the scale of
/// its forward, which are saved.
/// </summary>
/// <typeparam name="V">The lane.</typeparam>
public struct RowNumbers<V> where V : struct, ILane<V>
{
    /// <summary>What elements are counted from, such as the mean or the largest; saved.</summary>
    public V Shift;

    /// <summary>What elements are multiplied by, such as the reciprocal deviation; saved.</summary>
    public V Scale;

    /// <summary>What became of the total a; not saved.</summary>
    public V A;

    /// <summary>What became of the total b; not saved.</summary>
    public V B;
}

/// <summary>
/// A function of whole rows (softmax, layer norm): up to two stages that fold the row into two numbers each, then a write of each element.
/// </summary>
/// <typeparam name="TSelf">The formula itself, a <c>readonly struct</c>.</typeparam>
public interface IRow<TSelf> where TSelf : unmanaged, IRow<TSelf>
{
    /// <summary>Folding stages before the write: 0, 1 or 2.</summary>
    static abstract int Stages { get; }

    /// <summary>How <paramref name="stage"/> folds, a sum if not said otherwise; both accumulators fold alike.</summary>
    static virtual FoldKind Kind(int stage) => FoldKind.Sum;

    /// <summary>
    /// What one element contributes to the two accumulators of <paramref name="stage"/>: for a sum the summands, for a maximum the
    /// candidates.
    /// </summary>
    void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>;

    /// <summary>Turns the two totals of <paramref name="stage"/> into row numbers; <paramref name="n"/> is the row's length.</summary>
    void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>;

    /// <summary>The output element.</summary>
    V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V>;
}

/// <summary>A fold down the columns of a matrix, as for the gradients of gain and bias: two sums per column over all rows.</summary>
/// <typeparam name="TSelf">The formula itself, a <c>readonly struct</c>.</typeparam>
public interface IColumn<TSelf> where TSelf : unmanaged, IColumn<TSelf>
{
    /// <summary>
    /// What one element adds to the two sums of its column; <paramref name="s"/> holds the saved shift and scale of its row.
    /// </summary>
    void Add<V>(RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>;
}

/// <summary>A fused optimizer update of one element: the gradient, the parameter and up to two state values.</summary>
/// <typeparam name="TSelf">The formula itself, a <c>readonly struct</c>.</typeparam>
public interface IUpdate<TSelf> where TSelf : unmanaged, IUpdate<TSelf>
{
    /// <summary>Changes the parameter and its state in place.</summary>
    void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>;
}
