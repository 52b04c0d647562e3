using ILGPU;
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
    public static IReadOnlyList<DeviceEntry> List() =>
        [.. List(GpuKind.Cuda), .. List(GpuKind.OpenCL),
            new DeviceEntry("ilgpu-cpu", true, $"the GPU kernels on the host, for tests of tiny shapes; {Version}")];

    /// <summary>A CUDA or OpenCL device.</summary>
    /// <param name="kind">Which of both.</param>
    /// <param name="index">Its number among the devices of its kind, from 0.</param>
    /// <exception cref="DeviceUnavailableException">There is no such device; the message says why.</exception>
    public static Backend Create(GpuKind kind, int index) => Create(kind, index, long.MaxValue);

    /// <summary>The same with an end to its memory.</summary>
    internal static Backend Create(GpuKind kind, int index, long mostBytes)
    {
        var devices = GpuContexts.Find(kind);
        string name = $"{Prefix(kind)}:{index}";
        if (devices.Length == 0) throw new DeviceUnavailableException($"{name} is not there: {WhyNone(kind)}");
        if ((uint)index >= (uint)devices.Length)
            throw new DeviceUnavailableException(
                $"{name} is not there: the devices are {Prefix(kind)}:0 to {Prefix(kind)}:{devices.Length - 1}.");
        var context = GpuContexts.New();
        try
        {
            return new GpuBackend(
                context, Capable(devices[index].CreateAccelerator(context), name), $"{name} ({devices[index].Name})", mostBytes);
        }
        catch (AcceleratorException e)
        {
            context.Dispose();
            throw new DeviceUnavailableException($"{name} could not be opened: {e.Message} Check the driver, or use another device.");
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
        var context = GpuContexts.New(builder => builder.CPU(new CPUDevice(32, 8, 1)));
        return new GpuBackend(context, context.CreateCPUAccelerator(0), $"ilgpu-cpu ({Version})", mostBytes);
    }

    private static string Version => $"ILGPU {typeof(Context).Assembly.GetName().Version}";

    private static IEnumerable<DeviceEntry> List(GpuKind kind)
    {
        var devices = GpuContexts.Find(kind);
        return devices.Length == 0
            ? [new DeviceEntry($"{Prefix(kind)}:0", false, WhyNone(kind))]
            : devices.Select((d, i) => Entry($"{Prefix(kind)}:{i}", d));
    }

    private static DeviceEntry Entry(string name, ILGPU.Runtime.Device device)
    {
        bool isGpu = device is not CLDevice { DeviceType: CLDeviceType.CL_DEVICE_TYPE_CPU };
        return new(name, true, $"{device.Name}, {device.MemorySize >> 20:N0} MiB, {device.NumMultiprocessors} multiprocessors"
            + (isGpu ? "" : "; a CPU, which auto leaves out: the device cpu is faster")) { IsGpu = isGpu };
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
        if (!GpuLibraries.Exist(kind))
            return kind == GpuKind.Cuda
                ? "no CUDA driver was found (libcuda.so.1 or nvcuda.dll); install NVIDIA's driver."
                : "no OpenCL library was found (libOpenCL.so.1 or OpenCL.dll); install the vendor's driver and OpenCL loader.";
        return kind == GpuKind.Cuda
            ? "the CUDA driver reports no device; check it with nvidia-smi."
            : "no OpenCL device with a generic address space (OpenCL 2.0) was found; NVIDIA's OpenCL has none: use cuda:0 there.";
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
