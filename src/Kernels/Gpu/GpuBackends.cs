using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.OpenCL;

namespace Mayfly;

/// <summary>Finds and makes the backends behind ILGPU.</summary>
public static class GpuBackends
{
    /// <summary>Bytes of the largest kernel's shared memory, attention's over tiles of 64.</summary>
    private const int MostSharedMemory = 26112;

    /// <summary>What this machine has, with a line for each kind of device that it has not.</summary>
    public static IReadOnlyList<DeviceEntry> List()
    {
        using var context = Probe();
        return [.. List(context, GpuKind.Cuda), .. List(context, GpuKind.OpenCL),
            new DeviceEntry("ilgpu-cpu", true, $"the GPU kernels on the host, for tests of tiny shapes; {Version}")];
    }

    /// <summary>A CUDA or OpenCL device.</summary>
    /// <param name="kind">Which of both.</param>
    /// <param name="index">Its number among the devices of its kind, from 0.</param>
    /// <exception cref="DeviceUnavailableException">There is no such device; the message says why.</exception>
    public static Backend Create(GpuKind kind, int index)
    {
        var context = Probe();
        try
        {
            var devices = Find(context, kind);
            if (devices.Length == 0) throw new DeviceUnavailableException($"{Prefix(kind)}:{index} is not there: {WhyNone(kind)}");
            if ((uint)index >= (uint)devices.Length)
                throw new DeviceUnavailableException(
                    $"{Prefix(kind)}:{index} is not there: the devices are {Prefix(kind)}:0 to {Prefix(kind)}:{devices.Length - 1}.");
            return new GpuBackend(context, Capable(devices[index].CreateAccelerator(context), $"{Prefix(kind)}:{index}"),
                $"{Prefix(kind)}:{index} ({devices[index].Name})");
        }
        catch (AcceleratorException e)
        {
            context.Dispose();
            throw new DeviceUnavailableException($"{Prefix(kind)}:{index} could not be opened: {e.Message} Check the driver, "
                + "or use another device.");
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The GPU kernels on ILGPU's CPU accelerator: each lane of a group is a thread of the host, for tests of tiny shapes.
    /// </summary>
    public static Backend CreateIlgpuCpu() => CreateIlgpuCpu(long.MaxValue);

    /// <summary>The same with an end to its memory, for tests of that end.</summary>
    internal static Backend CreateIlgpuCpu(long mostBytes)
    {
        var context = Context.Create(builder => builder.CPU(new CPUDevice(32, 8, 1)).EnableAlgorithms().Optimize(OptimizationLevel.O2));
        return new GpuBackend(context, context.CreateCPUAccelerator(0), $"ilgpu-cpu ({Version})", mostBytes);
    }

    private static string Version => $"ILGPU {typeof(Context).Assembly.GetName().Version}";

    /// <summary>A context that sees every device. A kernel that fails to compile spoils its context, so each backend has its own.</summary>
    private static Context Probe() =>
        Context.Create(builder => builder.AllAccelerators().EnableAlgorithms().Optimize(OptimizationLevel.O2));

    private static ILGPU.Runtime.Device[] Find(Context context, GpuKind kind) =>
        [.. context.Devices.Where(d => d.AcceleratorType == (kind == GpuKind.Cuda ? AcceleratorType.Cuda : AcceleratorType.OpenCL))];

    private static IEnumerable<DeviceEntry> List(Context context, GpuKind kind)
    {
        var devices = Find(context, kind);
        return devices.Length == 0
            ? [new DeviceEntry($"{Prefix(kind)}:0", false, WhyNone(kind))]
            : devices.Select((d, i) => new DeviceEntry($"{Prefix(kind)}:{i}", true, $"{d.Name}, {d.MemorySize >> 20:N0} MiB, "
                + $"{d.NumMultiprocessors} multiprocessors"));
    }

    /// <summary>Passes on an accelerator that can run all kernels.</summary>
    private static Accelerator Capable(Accelerator accelerator, string name)
    {
        string? lack = accelerator.MaxNumThreadsPerGroup < Trees.MostLanes
            ? $"its groups have at most {accelerator.MaxNumThreadsPerGroup} lanes, and the kernels' have {Trees.MostLanes}"
            : accelerator.Capabilities is CLCapabilityContext { Float64: false }
                ? "it has no double precision, in which the norms of gradients are summed"
            : accelerator.MaxSharedMemoryPerGroup < MostSharedMemory
                ? $"its groups share {accelerator.MaxSharedMemoryPerGroup} bytes, and the kernels' up to {MostSharedMemory}"
            : null;
        if (lack is null) return accelerator;
        accelerator.Dispose();
        throw new DeviceUnavailableException($"{name} ({accelerator.Name}) cannot run Mayfly: {lack}. Use another device.");
    }

    private static string Prefix(GpuKind kind) => kind == GpuKind.Cuda ? "cuda" : "opencl";

    /// <summary>Why there is no device of a kind, and what to do.</summary>
    private static string WhyNone(GpuKind kind)
    {
        string[] libraries = kind == GpuKind.Cuda ? ["libcuda.so.1", "nvcuda.dll", "libcuda.dylib"]
            : ["libOpenCL.so", "OpenCL.dll", "/System/Library/Frameworks/OpenCL.framework/OpenCL"];
        if (!libraries.Any(HasLibrary))
            return kind == GpuKind.Cuda
                ? "no CUDA driver was found (libcuda.so.1 or nvcuda.dll); install NVIDIA's driver."
                : "no OpenCL library was found (libOpenCL.so or OpenCL.dll); install the vendor's driver and OpenCL loader.";
        return kind == GpuKind.Cuda
            ? "the CUDA driver reports no device; check it with nvidia-smi."
            : "no OpenCL device with a generic address space (OpenCL 2.0) was found; NVIDIA's OpenCL has none: use cuda:0 there.";
    }

    private static bool HasLibrary(string name)
    {
        if (!NativeLibrary.TryLoad(name, out nint library)) return false;
        NativeLibrary.Free(library);
        return true;
    }
}

/// <summary>The drivers behind which ILGPU finds GPUs.</summary>
public enum GpuKind
{
    /// <summary>NVIDIA's.</summary>
    Cuda,

    /// <summary>OpenCL 2.0 or later with a generic address space.</summary>
    OpenCL,
}
