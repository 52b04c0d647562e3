namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// Each row (the last axis) in the order of its elements, and where they were: (..., n) -> (..., n) and I32 (..., n). Equal elements
    /// stay in their order; NaN is larger than every number.
    /// </summary>
    /// <remarks>Backward: dx is dy, each element back at its place.</remarks>
    /// <exception cref="ArgumentException">x has no axis, or is not floating-point.</exception>
    public static (Tensor Values, Tensor Places) Sort(this Tensor x, bool descending = false) =>
        Ordered("Sort", x, x.Rank == 0 ? -1 : x.Shape[-1], descending);
}
