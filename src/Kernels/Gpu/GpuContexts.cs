using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using Found = ILGPU.Runtime.Device;

namespace Mayfly;

/// <summary>
/// Makes ILGPU's contexts, in one way, and finds the devices behind it, once in a process: under WSL2 ILGPU may look for CUDA devices only
/// once, and two searches at a time may find fewer devices than there are. A device opens in any context.
/// </summary>
internal static class GpuContexts
{
    private static readonly Lock gate = new();
    private static readonly Dictionary<GpuKind, Found[]> found = [];

    static GpuContexts()
    {
        FenceSharedMemory();
        if (AssemblyLoadContext.GetLoadContext(typeof(Context).Assembly) is { } loader)
            loader.ResolvingUnmanagedDll += (_, name) => name == "OpenCL" ? Load(GpuLibraries.OpenCLRuntime) : 0;
    }

    /// <summary>A context of one's own: a kernel that fails to compile spoils it for all others.</summary>
    /// <param name="devices">Adds devices that are opened by their number.</param>
    public static Context New(Action<Context.Builder>? devices = null) => Context.Create(builder =>
    {
        devices?.Invoke(builder);
        builder.EnableAlgorithms().Optimize(OptimizationLevel.O2);
    });

    /// <summary>The devices of a kind.</summary>
    public static Found[] Find(GpuKind kind)
    {
        lock (gate)
        {
            if (!found.TryGetValue(kind, out var devices)) found[kind] = devices = Search(kind);
            return devices;
        }
    }

    private static Found[] Search(GpuKind kind)
    {
        if (kind == GpuKind.OpenCL)
        {
            using var context = New(builder => builder.OpenCL());
            return [.. context.GetDevices<CLDevice>()];
        }

        try
        {
            using var context = New(builder => builder.Cuda());
            return [.. context.GetDevices<CudaDevice>()];
        }
        catch (InvalidOperationException)
        {
            return [.. CudaDevice.GetDevices(_ => true)]; // the program has looked for them itself
        }
    }

    /// <summary>
    /// Lets barriers order shared memory too. ILGPU 1.5.3 writes the fence of the device's memory alone, with which lanes may read of
    /// shared memory what others have not yet written.
    /// </summary>
    private static void FenceSharedMemory()
    {
        var flags = typeof(CLInstructions).GetField("MemoryFenceFlags", BindingFlags.NonPublic | BindingFlags.Static)?.GetValue(null);
        if (flags is string[] texts) Array.Fill(texts, "CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE");
    }

    private static nint Load(string name) => NativeLibrary.TryLoad(name, out nint library) ? library : 0;
}

/// <summary>The drivers' libraries by the names under which they are looked for.</summary>
internal static class GpuLibraries
{
    /// <summary>What systems have where nothing is compiled for OpenCL: <c>libOpenCL.so</c> comes with its headers only.</summary>
    public const string OpenCLRuntime = "libOpenCL.so.1";

    private static readonly string[] cuda = ["libcuda.so.1", "nvcuda.dll", "libcuda.dylib"],
        openCL = ["libOpenCL.so", OpenCLRuntime, "OpenCL.dll", "/System/Library/Frameworks/OpenCL.framework/OpenCL"];

    /// <summary>True where one of a kind can be loaded.</summary>
    public static bool Exist(GpuKind kind) => Array.Exists(kind == GpuKind.Cuda ? cuda : openCL, name =>
    {
        if (!NativeLibrary.TryLoad(name, out nint library)) return false;
        NativeLibrary.Free(library);
        return true;
    });
}
