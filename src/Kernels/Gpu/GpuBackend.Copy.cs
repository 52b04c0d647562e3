namespace Mayfly;

internal sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Fill(in View y, double value)
    {
        if (y.Count == 0) return;
        var walk = new Walk([y]);
        if (y.Type == DType.F32) Launch(CopyKernels.Fill, Over(walk.Count), new GpuAxes(walk), Strided(y, walk, 0), (float)value);
        else if (y.Type == DType.I32) Launch(CopyKernels.FillWords, Over(walk.Count), new GpuAxes(walk), new GpuSteps(walk, 0), Ints(y), (int)value);
        else OnHost([y], views => host.Fill(views[0], value));
    }

    /// <inheritdoc/>
    public override void Copy(in View x, in View y, bool add = false)
    {
        if (y.Count == 0) return;
        var walk = new Walk([x, y]);
        var axes = new GpuAxes(walk);
        GpuSteps xSteps = new(walk, 0), ySteps = new(walk, 1);
        bool floats = x.Type == DType.F32 && y.Type == DType.F32;
        if (floats && add) Launch(CopyKernels.Add, Over(walk.Count), axes, Strided(x, walk, 0), Strided(y, walk, 1));
        else if (floats || (x.Type == DType.I32 && y.Type == DType.I32 && !add))
            Launch(CopyKernels.Words, Over(walk.Count), axes, xSteps, Ints(x), ySteps, Ints(y));
        else if (x.Type == DType.F32 && y.Type == DType.I32 && !add)
            Launch(CopyKernels.ToInteger, Over(walk.Count), axes, Strided(x, walk, 0), ySteps, Ints(y));
        else if (x.Type == DType.I32 && y.Type == DType.F32 && !add)
            Launch(CopyKernels.FromInteger, Over(walk.Count), axes, xSteps, Ints(x), Strided(y, walk, 1));
        else OnHost([x, y], views => host.Copy(views[0], views[1], add));
    }

    /// <summary>Double precision has no kernels here: the reference works on the operands' blocks and the last one goes back.</summary>
    private void OnHost(View[] operands, Action<View[]> work)
    {
        var views = Array.ConvertAll(operands, Fetch);
        try
        {
            work(views);
            var result = operands[^1];
            unsafe
            {
                Write(Whole(result), new ReadOnlySpan<byte>(((HostBlock)views[^1].Block!).Pointer, checked((int)result.Block!.Bytes)));
            }
        }
        finally
        {
            foreach (var view in views) host.Free(view.Block!);
        }
    }

    private unsafe View Fetch(View view)
    {
        var block = (HostBlock)host.Allocate(view.Block!.Bytes);
        Read(Whole(view), new Span<byte>(block.Pointer, checked((int)block.Bytes)));
        return view with { Block = block };
    }

    private static View Whole(in View view) => view with { Layout = Layout.RowMajor(view.Block!.Bytes / view.Type.Size()) };
}
