namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// The windows of images as rows: x (B, C, H, W) -> (B, H', W', C height width), with H' = (H - dilation (height - 1) - 1) / stride
    /// + 1, rounded down; a row has the window of the first channel, then that of the second.
    /// </summary>
    /// <remarks>Backward: dx = the sum of dy over all windows that an element is in.</remarks>
    /// <param name="x">The images.</param>
    /// <param name="height">Rows of a window.</param>
    /// <param name="width">Columns of a window.</param>
    /// <param name="stride">Steps from one window to the next, on both axes.</param>
    /// <param name="dilation">Steps between the elements of a window.</param>
    /// <exception cref="ArgumentException">x has not four axes, a number is below 1, or a window is larger than the image.</exception>
    public static Tensor Patches(this Tensor x, long height, long width, int stride = 1, int dilation = 1)
    {
        var call = Op.Begin("Patches", x);
        call.CheckFloat(x);
        if (x.Rank != 4) throw call.Error($"x {x.Shape}; it must be (B, C, H, W).");
        if (height < 1 || width < 1 || stride < 1 || dilation < 1)
            throw call.Error($"windows {height} x {width}, stride {stride}, dilation {dilation}; all must be 1 or more.");
        var windows = new Windows(height, width, stride, dilation);
        if (dilation * (height - 1) >= x.Shape[2] || dilation * (width - 1) >= x.Shape[3])
            throw call.Error($"windows {height} x {width} of dilation {dilation} are larger than the images of {x.Shape}.");
        var layout = windows.Of(x.Layout);
        var y = call.New(new Shape(layout.Shape[0], layout.Shape[1], layout.Shape[2], x.Shape[1] * height * width));
        call.Backend.Copy(call.Read(x).With(layout), call.Write(y).With(Layout.RowMajor(layout.Shape)));
        return call.Records ? call.Push(y, new PatchesNode(windows)) : y;
    }

    /// <summary>Where the windows of an image are: as a layout of six axes, of which no copy is needed to look at them.</summary>
    private readonly record struct Windows(long Height, long Width, int Stride, int Dilation)
    {
        /// <summary>(B, H', W', C, height, width).</summary>
        public Layout Of(in Layout x)
        {
            Shape size = x.Shape, step = x.Strides;
            return new Layout(
                new Shape(size[0], Count(size[2], Height), Count(size[3], Width), size[1], Height, Width),
                new Shape(step[0], Stride * step[2], Stride * step[3], step[1], Dilation * step[2], Dilation * step[3]), x.Offset);
        }

        private long Count(long size, long window) => (size - Dilation * (window - 1) - 1) / Stride + 1;
    }

    private sealed class PatchesNode(Windows windows) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            var whole = Write(target);
            if (!target.Add) sweep.Backend.Fill(whole, 0);
            Layout places = windows.Of(whole.Layout);
            var dy = Read(sweep.Dy);
            var rows = dy.Layout.TryReshape(places.Shape)!.Value;
            for (long i = 0; i < windows.Height; i++)
                for (long j = 0; j < windows.Width; j++) // one element of every window: no two are the same place
                    sweep.Backend.Copy(dy.With(At(rows, i, j)), whole.With(At(places, i, j)), add: true);
        }

        private static Layout At(in Layout windows, long i, long j) => windows.Slice(4, i, 1).Slice(5, j, 1);
    }
}
