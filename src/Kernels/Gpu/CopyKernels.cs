using ILGPU;

namespace Mayfly;

/// <summary>Copies between strided views; words are elements of four bytes whose bits stay as they are.</summary>
internal static class CopyKernels
{
    public static void Fill(GpuAxes axes, Strided y, float value)
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step) y[axes.Find(i)] = value;
    }

    public static void Add(GpuAxes axes, Strided x, Strided y)
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step)
        {
            var at = axes.Find(i);
            y[at] += x[at];
        }
    }

    public static void Words(GpuAxes axes, GpuSteps xSteps, ArrayView<int> x, GpuSteps ySteps, ArrayView<int> y)
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step)
        {
            var at = axes.Find(i);
            y[ySteps.Place(at)] = x[xSteps.Place(at)];
        }
    }

    public static void FillWords(GpuAxes axes, GpuSteps steps, ArrayView<int> y, int value)
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step) y[steps.Place(axes.Find(i))] = value;
    }

    public static void ToInteger(GpuAxes axes, Strided x, GpuSteps ySteps, ArrayView<int> y)
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step)
        {
            var at = axes.Find(i);
            y[ySteps.Place(at)] = (int)x[at];
        }
    }

    public static void FromInteger(GpuAxes axes, GpuSteps xSteps, ArrayView<int> x, Strided y)
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step)
        {
            var at = axes.Find(i);
            y[at] = x[xSteps.Place(at)];
        }
    }
}
