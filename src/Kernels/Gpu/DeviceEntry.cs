namespace Mayfly;

/// <summary>One line of the list of devices: what there is, or why it is not.</summary>
/// <param name="Name">The name that opens it: <c>cpu</c>, <c>cuda:0</c>, <c>opencl:0</c>, <c>ilgpu-cpu</c>.</param>
/// <param name="IsAvailable">Whether it can be opened.</param>
/// <param name="Description">What it is, or why it cannot be opened and what to do.</param>
public sealed record DeviceEntry(string Name, bool IsAvailable, string Description);

/// <summary>A device was asked for that this machine or this build does not have. The message says why, and what to do.</summary>
public sealed class DeviceUnavailableException(string message) : InvalidOperationException(message);
