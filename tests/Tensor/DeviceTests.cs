namespace Mayfly.Tests;

/// <summary>Devices by name, and what is said where one is not there.</summary>
public class DeviceTests
{
    [Theory]
    [InlineData("cpu", "cpu")]
    [InlineData("ilgpu-cpu", "ilgpu-cpu")]
    public void Opens_by_name(string name, string prefix)
    {
        using var device = Device.Open(name, threads: 1);
        Assert.StartsWith(prefix, device.Name);
        using var x = Tensor.From<float>([1, 2], 2, device);
        using var y = x.Scale(2);
        Assert.Equal([2f, 4f], y.ToArray());
    }

    [Fact]
    public void Takes_the_threads_of_the_cpu()
    {
        using var device = Device.Open("cpu", threads: 1);
        Assert.Contains("1 thread", device.Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("gpu")]
    [InlineData("CPU")]
    [InlineData("cpu:0")]
    [InlineData("auto:0")]
    [InlineData("ilgpu-cpu:1")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:x")]
    [InlineData("opencl:0:0")]
    public void Refuses_other_names(string name)
    {
        string message = Assert.Throws<DeviceUnavailableException>(() => Device.Open(name)).Message;
        Assert.Equal($"There is no device {name}; allowed are auto, cpu, cuda:0, opencl:0 (and further numbers) and ilgpu-cpu.", message);
    }

    [Fact]
    public void The_best_is_the_first_gpu_or_else_the_cpu()
    {
        var gpu = Device.List().FirstOrDefault(d => d.IsGpu);
        using var device = Device.Best();
        Assert.StartsWith(gpu?.Name ?? "cpu", device.Name);
    }

    [Fact]
    public void Lists_the_cpu_first_and_each_kind_of_gpu()
    {
        var list = Device.List();
        Assert.Equal(("cpu", true), (list[0].Name, list[0].IsAvailable));
        foreach (string kind in new[] { "cuda:0", "opencl:0", "ilgpu-cpu" }) Assert.Single(list, d => d.Name == kind);
        Assert.All(list.Where(d => !d.IsAvailable), d => Assert.Contains("; ", d.Description));
    }

    [Theory]
    [InlineData("cuda")]
    [InlineData("opencl")]
    public void One_line_says_why_a_gpu_is_not_there_and_what_to_do(string kind)
    {
        var entries = Device.List().Where(d => d.Name.StartsWith(kind, StringComparison.Ordinal)).ToArray();
        string name = $"{kind}:{(entries[0].IsAvailable ? entries.Length : 0)}";
        string expected = entries[0].IsAvailable
            ? $"{name} is not there: the devices are {kind}:0 to {kind}:{entries.Length - 1}."
            : $"{name} is not there: {entries[0].Description}";
        Assert.Equal(expected, Assert.Throws<DeviceUnavailableException>(() => Device.Open(name)).Message);
        Assert.DoesNotContain('\n', expected);
    }
}
