using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Mayfly;

/// <summary>What ILGPU's compilers make of a kernel, without a device: for tests and tables.</summary>
internal static class GpuText
{
    /// <summary>PTX for a compute capability such as 80.</summary>
    public static string Ptx(MethodInfo kernel, int capability)
    {
        using var context = GpuContexts.New();
        var architecture = capability switch
        {
            70 => CudaArchitecture.SM_70,
            80 => CudaArchitecture.SM_80,
            90 => CudaArchitecture.SM_90,
            _ => throw new ArgumentException($"PTX for capability {capability}; allowed are 70, 80 and 90."),
        };
        var instructions = capability == 90 ? CudaInstructionSet.ISA_80 : CudaInstructionSet.ISA_70;
        using var backend = new PTXBackend(context, architecture, instructions, null!);
        return ((PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default)).PTXAssembly;
    }

    /// <summary>OpenCL C 2.0.</summary>
    public static string OpenCL(MethodInfo kernel)
    {
        using var context = GpuContexts.New();
        var capabilities = new CLCapabilityContext(float16: false, float64: true, genericAddressSpace: true, int64_Atomics: false,
            subGroups: false);
        using var backend = new CLBackend(context, capabilities, CLDeviceVendor.Other, CLCVersion.CL20);
        return ((CLCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default)).Source;
    }
}
