using ILGPU;

namespace Mayfly;

public readonly partial record struct Rotate
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (X.Count == 0) return;
        var shape = X.Shape;
        var sizes = new RotateKernel.Sizes((int)shape[0], (int)shape[1], (int)shape[2], (int)shape[3] / 2, Halves, Inverse, Add);
        device.Launch(RotateKernel.Rotate, device.Over(sizes.Count), sizes, HeadView.Of(X), GpuBackend.Floats(Table), HeadView.Of(Y));
    }
}

/// <summary>A lane turns one pair.</summary>
internal static class RotateKernel
{
    /// <summary>What the kernel knows besides its operands.</summary>
    public readonly struct Sizes(int batch, int time, int heads, int pairs, bool halves, bool inverse, bool add)
    {
        public readonly int Batch = batch, Time = time, Heads = heads, Pairs = pairs;

        // the distance between the two elements of a pair, and between pairs
        public readonly int Apart = halves ? pairs : 1, Step = halves ? 1 : 2, Add = add ? 1 : 0;
        public readonly float Sign = inverse ? -1f : 1f;

        public int Count => Batch * Time * Heads * Pairs;
    }

    public static void Rotate(Sizes sizes, HeadView x, ArrayView<float> table, HeadView y)
    {
        for (int i = Lanes.First; i < sizes.Count; i += Lanes.Step)
        {
            int row = i / sizes.Pairs, pair = i - row * sizes.Pairs;
            int token = row / sizes.Heads, head = row - token * sizes.Heads;
            int batch = token / sizes.Time, time = token - batch * sizes.Time;
            int angle = 2 * (time * sizes.Pairs + pair);
            float cosine = table[angle], sine = sizes.Sign * table[angle + 1];
            int from = x.Row(batch, time, head) + pair * sizes.Step, to = y.Row(batch, time, head) + pair * sizes.Step;
            float a = x.Data[from], b = x.Data[from + sizes.Apart];
            Put(y, to, a * cosine - b * sine, sizes.Add);
            Put(y, to + sizes.Apart, a * sine + b * cosine, sizes.Add);
        }
    }

    private static void Put(HeadView y, int place, float value, int add) => y.Data[place] = add != 0 ? y.Data[place] + value : value;
}
