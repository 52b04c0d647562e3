namespace Mayfly;

/// <summary>One line of the list of devices: what there is, or why it is not.</summary>
/// <param name="Name">The name that opens it: <c>cpu</c>, <c>cuda:0</c>, <c>opencl:0</c>, <c>ilgpu-cpu</c>.</param>
/// <param name="IsAvailable">Whether it can be opened.</param>
/// <param name="Description">What it is, or why it cannot be opened and what to do.</param>
public sealed record DeviceEntry(string Name, bool IsAvailable, string Description)
{
    /// <summary>True for a device that <c>auto</c> may choose: a GPU, and not a CPU behind OpenCL.</summary>
    public bool IsGpu { get; init; }
}

/// <summary>A device was asked for that this machine or this build does not have. The message says why, and what to do.</summary>
public sealed class DeviceUnavailableException(string message) : InvalidOperationException(message);

/// <summary>
/// A device failed in the middle of its work: it was lost, a kernel did what it must not, or memory that it had promised was not there.
/// What it held is lost; open it anew in a new process and go on from what was saved.
/// </summary>
public sealed class DeviceLostException(string message, Exception inner) : InvalidOperationException(message, inner);
