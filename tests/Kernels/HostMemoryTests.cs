namespace Mayfly.Tests;

/// <summary>Systems promise more memory than they have, and end a process that takes it at its word.</summary>
public class HostMemoryTests
{
    [Fact]
    public void All_devices_together_hold_no_more_than_the_machine_has()
    {
        if (OperatingSystem.IsWindows()) return; // it sets memory aside that nobody has touched
        long most = HostMemory.Most / 10 * 6;
        var first = HostMemory.Allocate(most);
        Assert.Throws<OutOfMemoryException>(() => HostMemory.Allocate(most));
        HostMemory.Free(first);
        HostMemory.Free(HostMemory.Allocate(most));
    }
}
