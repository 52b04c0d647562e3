using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.CPU;

namespace Mayfly;

/// <summary>Makes the backends behind ILGPU.</summary>
public static class GpuBackends
{
    /// <summary>
    /// The GPU kernels on ILGPU's CPU accelerator, or on the emulation where the build has no ILGPU: one lane of a group at a time on the host, for
    /// tests of tiny shapes.
    /// </summary>
    public static Backend CreateIlgpuCpu()
    {
        var context = Context.Create(builder => builder.CPU(new CPUDevice(32, 8, 1)).EnableAlgorithms().Optimize(OptimizationLevel.O2));
        return new GpuBackend(context, context.CreateCPUAccelerator(0), $"ilgpu-cpu ({Ilgpu.Description})");
    }
}
