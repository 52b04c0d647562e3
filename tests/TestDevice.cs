namespace Mayfly.Tests;

/// <summary>
/// The device that tests of the GPU kernels run on: <c>ilgpu-cpu</c>, or what the environment variable MAYFLY_TEST_DEVICE names, such as
/// <c>cuda:0</c> or <c>opencl:0</c>.
/// </summary>
internal static class TestDevice
{
    /// <summary>Its name.</summary>
    public static string Name { get; } = Environment.GetEnvironmentVariable("MAYFLY_TEST_DEVICE") is { Length: > 0 } name
        ? name
        : "ilgpu-cpu";

    /// <summary>True where a lane is a thread of the host, so that tests stay small.</summary>
    public static bool IsSimulated => Name == "ilgpu-cpu";

    /// <summary>A device of one's own.</summary>
    /// <param name="mostBytes">Of its memory.</param>
    public static Device Open(long mostBytes = long.MaxValue) => new(NewBackend(mostBytes));

    /// <summary>The same without the arena.</summary>
    public static GpuBackend NewBackend(long mostBytes = long.MaxValue)
    {
        if (IsSimulated) return (GpuBackend)GpuBackends.CreateIlgpuCpu(mostBytes);
        string[] parts = Name.Split(':');
        var kind = parts[0] == "cuda" ? GpuKind.Cuda : GpuKind.OpenCL;
        return (GpuBackend)GpuBackends.Create(kind, parts.Length > 1 ? int.Parse(parts[1]) : 0, mostBytes);
    }
}
