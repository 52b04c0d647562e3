using ILGPU;

namespace Mayfly;

/// <summary>
/// A or B of a matrix product: element (batch, outer, k) lies at batch * BatchStep + outer * OuterStep + k * DepthStep; outer counts the rows of A or
/// the columns of B.
/// </summary>
internal readonly struct GemmFactor(ArrayView<float> data, int batchStep, int outerStep, int depthStep, int quads)
{
    public readonly ArrayView<float> Data = data;
    public readonly int BatchStep = batchStep, OuterStep = outerStep, DepthStep = depthStep;

    /// <summary>Not 0 where four neighbours along the dense axis start at a multiple of 16 bytes.</summary>
    public readonly int Quads = quads;

    /// <summary>True where the dense axis is k.</summary>
    public bool IsDeep => DepthStep == 1 || OuterStep != 1;
}

/// <summary>
/// The extents of a launch. A part is a batch of the product, or, where k is cut into pieces, one piece; all pieces are <see cref="Depth"/> long but the
/// last.
/// </summary>
internal readonly struct GemmSizes(int parts, int m, int n, int depth, int lastDepth)
{
    public readonly int Parts = parts, M = m, N = n;
    private readonly int depth = depth, lastDepth = lastDepth;

    public int Count => Parts * M * N;

    public int Depth(int part) => part == Parts - 1 ? lastDepth : depth;
}
