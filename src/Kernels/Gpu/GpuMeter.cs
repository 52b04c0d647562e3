namespace Mayfly;

/// <summary>Counts of what a GPU backend sent to its device and waited for.</summary>
internal sealed class GpuMeter
{
    /// <summary>Kernels launched.</summary>
    public long Launches { get; set; }

    /// <summary>Times the host stood still until the device had done all before.</summary>
    public long Waits { get; set; }

    /// <summary>Bytes that came back.</summary>
    public long ReadBytes { get; set; }

    /// <summary>Bytes that went to the device.</summary>
    public long WrittenBytes { get; set; }

    /// <summary>Kernels compiled.</summary>
    public int Compiled { get; set; }

    /// <summary>What has been counted since an earlier state.</summary>
    public GpuMeter Since(GpuMeter start) => new()
    {
        Launches = Launches - start.Launches, Waits = Waits - start.Waits, ReadBytes = ReadBytes - start.ReadBytes,
        WrittenBytes = WrittenBytes - start.WrittenBytes, Compiled = Compiled - start.Compiled,
    };

    /// <summary>The counts as they are now.</summary>
    public GpuMeter Copy() => Since(new GpuMeter());
}
