using ILGPU;

namespace Mayfly;

/// <summary>A dense operand, or one with strides, of which the squares are summed.</summary>
internal readonly struct SquaresItem(GpuAxes axes, Strided x, ArrayView<float> dense)
{
    private readonly GpuAxes axes = axes;
    private readonly Strided x = x;
    private readonly ArrayView<float> dense = dense;

    /// <summary>The lane's share, of a dense operand with four loads under way at a time.</summary>
    public double Sum()
    {
        int i = Lanes.First, step = Lanes.Step;
        double sum = 0;
        for (; i + 3 * step < dense.IntLength; i += 4 * step)
            sum += Square(dense[i]) + Square(dense[i + step]) + (Square(dense[i + 2 * step]) + Square(dense[i + 3 * step]));
        for (; i < dense.IntLength; i += step) sum += Square(dense[i]);
        if (dense.Length == 0)
            for (i = Lanes.First; i < axes.Count; i += step) sum += Square(x[axes.Find(i)]);
        return sum;
    }

    private static double Square(double x) => x * x;
}

/// <summary>Sums of squares of several operands, in double precision: a line of groups each, then a group each.</summary>
internal static class SquaresKernels
{
    /// <summary>The sum of each group; groups of a line stand side by side in <paramref name="parts"/>.</summary>
    public static void Squares(Eight<SquaresItem> items, ArrayView<double> parts)
    {
        double sum = Total(items[Grid.IdxY].Sum());
        if (Group.IdxX == 0) parts[Grid.IdxY * Grid.DimX + Grid.IdxX] = sum;
    }

    /// <summary>The sum of each line of parts.</summary>
    public static void Lines(ArrayView<double> parts, int width, ArrayView<double> sums)
    {
        double sum = 0;
        for (int i = Group.IdxX; i < width; i += Group.DimX) sum += parts[Grid.IdxX * width + i];
        sum = Total(sum);
        if (Group.IdxX == 0) sums[Grid.IdxX] = sum;
    }

    private static double Total(double sum)
    {
        var room = SharedMemory.Allocate<double>(Trees.MostLanes);
        int lane = Group.IdxX;
        room[lane] = sum;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (lane < half) room[lane] += room[lane + half];
            Group.Barrier();
        }

        return room[0];
    }
}
