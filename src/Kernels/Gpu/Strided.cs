using ILGPU;

namespace Mayfly;

/// <summary>The indices of one element, innermost axis first.</summary>
internal readonly struct GpuIndex(int a, int b, int c, int d, int e, int f)
{
    public readonly int A = a, B = b, C = c, D = d, E = e, F = f;
}

/// <summary>The extents of a joint layout, innermost first, and the way from an element's number to its indices.</summary>
internal readonly struct GpuAxes
{
    public readonly int Count;
    private readonly int rank, a, b, c, d, e;

    public GpuAxes(in Walk walk)
    {
        Count = checked((int)walk.Count);
        rank = walk.Rank;
        a = Size(walk, 0);
        b = Size(walk, 1);
        c = Size(walk, 2);
        d = Size(walk, 3);
        e = Size(walk, 4);
    }

    public GpuIndex Find(int i)
    {
        if (rank == 1) return new GpuIndex(i, 0, 0, 0, 0, 0);
        int ofB = i / a, ofC = ofB / b;
        if (rank <= 3) return new GpuIndex(i - ofB * a, ofB - ofC * b, ofC, 0, 0, 0);
        int ofD = ofC / c, ofE = ofD / d, ofF = ofE / e;
        return new GpuIndex(i - ofB * a, ofB - ofC * b, ofC - ofD * c, ofD - ofE * d, ofE - ofF * e, ofF);
    }

    private static int Size(in Walk walk, int fromInner) =>
        fromInner < walk.Rank ? Math.Max(1, checked((int)walk.Size(walk.Rank - 1 - fromInner))) : 1;
}

/// <summary>The strides of one operand over a joint layout, innermost first.</summary>
internal readonly struct GpuSteps
{
    private readonly int a, b, c, d, e, f;

    public GpuSteps(in Walk walk, int operand)
    {
        a = Step(walk, operand, 0);
        b = Step(walk, operand, 1);
        c = Step(walk, operand, 2);
        d = Step(walk, operand, 3);
        e = Step(walk, operand, 4);
        f = Step(walk, operand, 5);
    }

    public int Place(GpuIndex i) => i.A * a + i.B * b + i.C * c + i.D * d + i.E * e + i.F * f;

    private static int Step(in Walk walk, int operand, int fromInner) =>
        fromInner < walk.Rank ? checked((int)walk.Stride(operand, walk.Rank - 1 - fromInner)) : 0;
}

/// <summary>One operand: its memory from the first element on, and its strides. An absent one has no memory.</summary>
internal readonly struct Strided(ArrayView<float> data, GpuSteps steps)
{
    private readonly ArrayView<float> data = data;
    private readonly GpuSteps steps = steps;

    public bool Exists => data.Length > 0;

    public ref float this[GpuIndex i] => ref data[steps.Place(i)];
}
