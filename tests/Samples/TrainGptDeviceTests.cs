using System.Globalization;
using ILGPU.Runtime;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>Devices on the command line.</summary>
public class TrainGptDeviceTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private static readonly string[] tiny =
    [
        "--width", "8", "--context", "8", "--batch", "1", "--steps", "4", "--evaluate-every", "4", "--validation",
    ];

    [Fact]
    public void All_are_listed_with_what_is_missing()
    {
        string[] lines = TrainGptRun.Good("devices").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (string name in (string[])["cpu", "cuda:0", "opencl:0", "ilgpu-cpu"])
        {
            string line = Assert.Single(lines, l => l.StartsWith($"{name} ", StringComparison.Ordinal));
            Assert.True(line.Contains(" yes ") || line.TrimEnd().EndsWith('.'), $"'{line}' says neither that it is there nor what to do");
        }
    }

    [Theory]
    [InlineData("gpu", "There is no device gpu; allowed are auto, cpu, cuda:0")]
    [InlineData("cuda:x", "There is no device cuda:x")]
    [InlineData("cpu:1", "There is no device cpu:1")]
    [InlineData("cuda:99", "cuda:99 is not there: ")]
    [InlineData("opencl:99", "opencl:99 is not there: ")]
    public void One_that_is_not_there_is_an_error_of_one_line(string name, string message)
    {
        foreach (string[] command in (string[][])[run.Train("never", "--device", name),
            ["generate", "--out", run.Trained, "--device", name]])
        {
            var (code, _, errors) = TrainGptRun.Run(command);
            Assert.Equal(1, code);
            Assert.StartsWith($"error: {message}", errors);
            Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }

        Assert.False(Directory.Exists(run.File("never")));
    }

    /// <summary>The same run on the GPU's kernels: its losses are those of the CPU, every other step's where it is asked to.</summary>
    [Fact]
    public void The_gpu_kernels_train_evaluate_and_generate()
    {
        string validation = run.Write("few.txt", File.ReadAllText(run.Data)[..40]);
        string[] options = [.. tiny, validation];
        TrainGptRun.Good(run.Train("on-cpu", options));
        TrainGptRun.Good(run.Train("on-gpu", [.. options, "--device", TestDevice.Name, "--read-every", "2"]));
        string[][] cpu = Log("on-cpu"), gpu = Log("on-gpu");
        Assert.Equal(["2", "4"], gpu.Select(line => line[0]));
        Assert.Equal(Number(cpu[1][1]), Number(gpu[0][1]), 1e-3);
        Assert.Equal(Number(cpu[3][1]), Number(gpu[1][1]), 1e-3);
        Assert.Equal(Number(cpu[3][2]), Number(gpu[1][2]), 1e-3);
        Assert.StartsWith("validation loss", TrainGptRun.Good("evaluate", "--out", run.File("on-gpu"), "--device", TestDevice.Name));
        string[] ask = ["generate", "--out", run.File("on-gpu"), "--prompt", "the", "--tokens", "6", "--temperature", "0"];
        Assert.Equal(TrainGptRun.Good(ask), TrainGptRun.Good([.. ask, "--device", TestDevice.Name]));
    }

    [Fact]
    public void A_check_compares_with_the_cpu()
    {
        using var device = TestDevice.Open();
        var output = new StringWriter();
        Assert.True(new DeviceCheck(device, 2, output).Run(DeviceCheck.Quick.Take(2), TimeSpan.FromHours(1)), output.ToString());
        Assert.Equal(4, output.ToString().Trim().Split('\n').Length);
    }

    /// <summary>What a driver says of a device that is gone.</summary>
    private sealed class Gone() : AcceleratorException("the device fell off the bus")
    {
        public override AcceleratorType AcceleratorType => AcceleratorType.Cuda;
    }

    /// <summary>In the middle of the run, after the snapshot of step 2.</summary>
    [Fact]
    public void A_device_that_is_lost_ends_in_one_line_that_names_the_last_snapshot()
    {
        string folder = run.File("lost");
        GpuBackend.Calling.Value = () =>
        {
            string log = Path.Combine(folder, "log.csv");
            if (File.Exists(log) && File.ReadLines(log).Count() > 3) throw new Gone();
        };
        string[] options = [.. tiny[..^1], "--device", TestDevice.Name, "--save-every", "2", "--read-every", "1"];
        var (code, _, errors) = TrainGptRun.Run(run.Train("lost", options));
        GpuBackend.Calling.Value = null;
        Assert.Equal(1, code);
        string line = Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("failed: the device fell off the bus. What it held is lost; ", line);
        Assert.EndsWith($"The last snapshot is that of step 2; train --resume --out {folder} goes on after it.", line.TrimEnd());
    }

    private string[][] Log(string name) => [.. File.ReadAllLines(run.File(name, "log.csv")).Skip(1).Select(line => line.Split(','))];

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
