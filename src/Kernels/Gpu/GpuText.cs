using System.Reflection;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Mayfly;

/// <summary>
/// What ILGPU's compilers make of kernels, without a device: for tests and tables. The first kernel takes far longer than the others.
/// </summary>
internal sealed class GpuText : IDisposable
{
    private readonly Func<Context, ILGPU.Backends.Backend> compiler;
    private Context? context;
    private ILGPU.Backends.Backend? backend;

    private GpuText(Func<Context, ILGPU.Backends.Backend> compiler) => this.compiler = compiler;

    /// <summary>PTX for a compute capability: 70, or 80, beyond which ILGPU 1.5.3 does not go.</summary>
    public static GpuText Ptx(int capability)
    {
        var architecture = capability switch
        {
            70 => CudaArchitecture.SM_70,
            80 => CudaArchitecture.SM_80,
            90 => CudaArchitecture.SM_90,
            _ => throw new ArgumentException($"PTX for capability {capability}; allowed are 70, 80 and 90."),
        };
        var instructions = capability == 90 ? CudaInstructionSet.ISA_80 : CudaInstructionSet.ISA_70;
        return new GpuText(context => new PTXBackend(context, architecture, instructions, null!));
    }

    /// <summary>OpenCL C 2.0.</summary>
    public static GpuText OpenCL()
    {
        var capabilities = new CLCapabilityContext(float16: false, float64: true, genericAddressSpace: true, int64_Atomics: false,
            subGroups: false);
        return new GpuText(context => new CLBackend(context, capabilities, CLDeviceVendor.Other, CLCVersion.CL20));
    }

    /// <summary>The text of a kernel. After one that does not compile, the next begins anew.</summary>
    public string Of(MethodInfo kernel)
    {
        context ??= GpuContexts.New();
        backend ??= compiler(context);
        try
        {
            return backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default) switch
            {
                PTXCompiledKernel ptx => ptx.PTXAssembly,
                CompiledKernel openCL => ((CLCompiledKernel)openCL).Source,
            };
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        backend?.Dispose();
        context?.Dispose();
        (backend, context) = (null, null);
    }
}
