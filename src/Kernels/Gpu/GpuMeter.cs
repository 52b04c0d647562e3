using System.Reflection;

namespace Mayfly;

/// <summary>Counts of what a GPU backend sent to its device and waited for.</summary>
internal sealed class GpuMeter
{
    private readonly Dictionary<string, long> launches = [];

    /// <summary>Kernels launched, by their names.</summary>
    public IReadOnlyDictionary<string, long> ByKernel => launches;

    /// <summary>Kernels launched.</summary>
    public long Launches => launches.Values.Sum();

    /// <summary>Times the host stood still until the device had done all before.</summary>
    public long Waits { get; set; }

    /// <summary>Bytes that came back.</summary>
    public long ReadBytes { get; set; }

    /// <summary>Bytes that went to the device.</summary>
    public long WrittenBytes { get; set; }

    /// <summary>Kernels compiled since the device was opened.</summary>
    public int Compiled { get; set; }

    /// <summary>Notes a launch.</summary>
    public void Launched(MethodInfo kernel)
    {
        string name = $"{kernel.DeclaringType!.Name}.{kernel.Name}";
        launches[name] = launches.GetValueOrDefault(name) + 1;
    }

    /// <summary>Begins to count from zero.</summary>
    public void Clear()
    {
        launches.Clear();
        (Waits, ReadBytes, WrittenBytes) = (0, 0, 0);
    }
}
