using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>
/// A or B of a matrix product: element (part, outer, k) lies at part * PartStep + outer * OuterStep + k * DepthStep; outer counts the rows
/// of A or the columns of B.
/// </summary>
internal readonly struct GemmFactor(ArrayView<float> data, int partStep, int outerStep, int depthStep, int quads)
{
    public readonly ArrayView<float> Data = data;
    public readonly int OuterStep = outerStep, DepthStep = depthStep;

    /// <summary>Not 0 where the dense axis consists of whole quads that start at a multiple of 16 bytes.</summary>
    public readonly int Quads = quads;
    private readonly int partStep = partStep;

    /// <summary>True where the dense axis is k.</summary>
    public bool IsDeep => DepthStep == 1 || OuterStep != 1;

    /// <summary>The place of the first step of k.</summary>
    public int Start(int part, int outer) => part * partStep + outer * OuterStep;
}

/// <summary>The part, row and column of an element of C.</summary>
internal readonly struct GemmPlace(int part, int row, int column)
{
    public readonly int Part = part, Row = row, Column = column;
}

/// <summary>
/// The extents of a launch. A part is a batch of the product, or, where k is cut into pieces, one piece; all parts have the same depth but
/// the last piece.
/// </summary>
internal readonly struct GemmSizes(int parts, int m, int n, int depth, int lastDepth)
{
    public readonly int Parts = parts, M = m, N = n;
    private readonly int depth = depth, lastDepth = lastDepth;

    public int Count => Parts * M * N;

    public int Depth(int part) => part == Parts - 1 ? lastDepth : depth;

    public GemmPlace Find(int i)
    {
        int line = i / N, part = line / M;
        return new GemmPlace(part, line - part * M, i - line * N);
    }
}

/// <summary>
/// How one lane brings its quad of each slab of an operand from the device's memory to shared memory; what lies outside is zero.
/// </summary>
internal readonly struct GemmLoader
{
    private readonly GemmFactor factor;

    // deep: quads along k, of which a row has limit - k left; else quads along the outer axis of the given width, in the steps of k below
    // the limit
    private readonly int deep, start, k, limit, width, slot, pitch;

    /// <summary>
    /// The lane's quad of the slab of <paramref name="side"/> rows (columns) from <paramref name="outer"/> of <paramref name="count"/> on.
    /// </summary>
    public GemmLoader(GemmFactor factor, int part, int outer, int count, int depth, int side, int slab, int lane)
    {
        this.factor = factor;
        pitch = side + 4;
        int along;
        if (factor.IsDeep)
        {
            deep = 1;
            along = lane / (slab / 4);
            k = lane % (slab / 4) * 4;
            limit = outer + along < count ? depth : 0;
            width = 0;
        }
        else
        {
            deep = 0;
            along = lane % (side / 4) * 4;
            k = lane / (side / 4);
            limit = depth;
            width = count - outer - along;
        }

        start = factor.Start(part, outer + along) + k * factor.DepthStep;
        slot = k * pitch + along;
    }

    /// <summary>The quad of the slab that starts at step <paramref name="from"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Quad Load(int from)
    {
        int left = deep != 0 ? limit - from - k : from + k < limit ? width : 0, place = start + from * factor.DepthStep;
        var quad = default(Quad);
        if (left <= 0) return quad;
        if (factor.Quads != 0) return factor.Data.Cast<Quad>()[place / 4];
        int step = deep != 0 ? factor.DepthStep : factor.OuterStep;
        quad.X = factor.Data[place];
        if (left > 1) quad.Y = factor.Data[place + step];
        if (left > 2) quad.Z = factor.Data[place + 2 * step];
        if (left > 3) quad.W = factor.Data[place + 3 * step];
        return quad;
    }

    /// <summary>Puts the quad into a slab.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(ArrayView<Quad> slab, Quad quad)
    {
        if (deep == 0)
        {
            slab[slot / 4] = quad;
            return;
        }

        var floats = slab.Cast<float>();
        floats[slot] = quad.X;
        floats[slot + pitch] = quad.Y;
        floats[slot + 2 * pitch] = quad.Z;
        floats[slot + 3 * pitch] = quad.W;
    }
}
