using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

public readonly partial record struct CrossEntropy
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (Targets.Count == 0) return;
        int classes = checked((int)Logits.Shape[-1]);
        device.Launch(
            CrossEntropyKernel.Loss, device.GroupsOfRows(Targets.Count, classes), GpuBackend.Floats(Logits), classes,
            GpuBackend.Ints(Targets), IgnoreIndex, GpuBackend.Floats(Stats), GpuBackend.Floats(Loss));
    }
}

/// <summary>A group per row.</summary>
internal static class CrossEntropyKernel
{
    /// <summary>
    /// A lane reads its elements once, four at a time, and keeps the largest so far and the sum of exponentials relative to it
    /// (Milakov, Gimelshein: "Online normalizer calculation for softmax", 2018).
    /// </summary>
    public static void Loss(
        ArrayView<float> logits, int classes, ArrayView<int> targets, int ignored, ArrayView<float> stats, ArrayView<float> loss)
    {
        var room = Trees.Room();
        for (int row = Grid.IdxX; row < targets.IntLength; row += Grid.DimX)
        {
            float logSum = LogSum(logits, row * classes, classes, room, out float largest);
            if (Group.IdxX != 0) continue;
            int target = targets[row];
            stats[2 * row] = largest;
            stats[2 * row + 1] = logSum;
            loss[row] = target == ignored ? 0f : largest - logits[row * classes + target] + logSum;
        }
    }

    private static float LogSum(ArrayView<float> x, int start, int count, ArrayView<float> room, out float top)
    {
        float largest = float.NegativeInfinity, sum = 0f, rest = 0f;
        int j = Group.IdxX, step = Group.DimX;
        for (; j + 3 * step < count; j += 4 * step)
        {
            int i = start + j;
            Add(x[i], x[i + step], x[i + 2 * step], x[i + 3 * step], ref largest, ref sum, ref rest);
        }

        const float none = float.NegativeInfinity;
        for (; j < count; j += step) Add(x[start + j], none, none, none, ref largest, ref sum, ref rest);
        top = Trees.Fold(room, FoldKind.Max, largest);
        // a lane that saw nothing but negative infinity adds nothing
        float total = Trees.Fold(room, FoldKind.Sum, sum == 0f ? 0f : (sum + rest) * Exp(largest - top));
        return G1.Log(new G1(total)).Value;
    }

    /// <summary>Adds the exponentials of four elements to the sum, and what the sum loses by it to the rest (Knuth's TwoSum).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float a, float b, float c, float d, ref float largest, ref float sum, ref float rest)
    {
        float next = Larger(Larger(a, b), Larger(c, d));
        if (next > largest)
        {
            float factor = Exp(largest - next);
            sum *= factor;
            rest *= factor;
            largest = next;
        }

        float term = Part(a, largest) + Part(b, largest) + (Part(c, largest) + Part(d, largest));
        float total = sum + term, taken = total - sum;
        rest += sum - (total - taken) + (term - taken);
        sum = total;
    }

    /// <summary>May lose a NaN, which the sum does not.</summary>
    private static float Larger(float a, float b) => a > b ? a : b;

    private static float Part(float x, float largest) => x == float.NegativeInfinity ? 0f : Exp(x - largest);

    internal static float Exp(float x) => G1.Exp(new G1(x)).Value;
}
