using ILGPU;

namespace Mayfly;

/// <summary>The kernels of the matrix product. All sum an element's products of one part in the order of k.</summary>
internal static class GemmKernels
{
    /// <summary>A lane per element.</summary>
    public static void Direct<TAct>(TAct act, GemmSizes sizes, GemmFactor a, GemmFactor b, GemmResult result) where TAct : unmanaged, IMap1<TAct>
    {
        for (int i = Lanes.First; i < sizes.Count; i += Lanes.Step)
        {
            int line = i / sizes.N, column = i - line * sizes.N, part = line / sizes.M, row = line - part * sizes.M;
            int left = part * a.BatchStep + row * a.OuterStep, right = part * b.BatchStep + column * b.OuterStep, depth = sizes.Depth(part);
            float sum = 0f;
            for (int k = 0; k < depth; k++) sum += a.Data[left + k * a.DepthStep] * b.Data[right + k * b.DepthStep];
            result.Put(act, part, row, column, sum);
        }
    }
}
