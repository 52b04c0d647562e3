namespace Mayfly.Benches;

/// <summary>Does on a device that only counts what is to be measured, so that its memory is planned before the first step.</summary>
internal static class Rehearsal
{
    /// <summary>Lets a device learn what a run takes; returns the books of the one that counted.</summary>
    /// <param name="device">The device, which computes; null for the books alone.</param>
    /// <param name="run">Makes the model and two steps on the device that it is given.</param>
    public static MemoryReport Of(Device? device, Action<Device> run)
    {
        using var dry = Device.CreateDry(device?.Backend.IsAsynchronous == true);
        run(dry);
        device?.Arena.LearnPhases(dry.Arena);
        return dry.Arena.Report;
    }
}
