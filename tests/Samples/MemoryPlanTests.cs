using System.Globalization;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>What is said of a run's memory before it, against what its arena counts.</summary>
public class MemoryPlanTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Theory]
    [InlineData("")]
    [InlineData("--mode eager")]
    [InlineData("--mode eager --clip 1 --clip-mode two-pass")]
    [InlineData("--accumulate 3")]
    [InlineData("--checkpoint-blocks --layers 3")]
    [InlineData("--model llama --kv-heads 1 --dropout 0.1")]
    [InlineData("--optimizer muon")]
    [InlineData("--optimizer apollo --rank 4 --norm-cap 1.1")]
    [InlineData("--optimizer galore --rank 4 --mode eager")]
    [InlineData("--optimizer adafactor --tied false")]
    [InlineData("--optimizer adalomo --mode eager --clip-value 1")]
    public void The_plan_is_what_a_step_takes(string options)
    {
        string name = $"plan{options}";
        string output = TrainGptRun.Good(run.Train(name, [.. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--steps", "3"]));
        var peaks = File.ReadLines(run.File(name, "log.csv")).Skip(1).Select(line => line.Split(',')[5]);
        var used = ConfigurationFile.Read(run.File(name, "config.json")).Over(new TrainOptions());
        var plan = MemoryPlan.Of(used.Used(), ModelChoice.Config(used, used.Vocabulary!.Value));
        Assert.Equal(peaks.First(), plan.Peak.ToString(CultureInfo.InvariantCulture));
        Assert.True(plan.Reserved >= plan.Peak);
        Assert.Contains($"\nMemory: {plan}; there are ", output);
    }

    [Fact]
    public void A_step_that_does_not_fit_is_refused_with_what_would()
    {
        var (code, output, errors) = TrainGptRun.Run("train", "--data", run.Data, "--out", run.File("never"), "--model", "llama-7b",
            "--context", "128", "--batch", "512");
        Assert.Equal((1, ""), (code, output));
        Assert.Matches(@"^error: Training takes \d+\.\d GiB at the peak of a step: weights 2\d\.\d GiB, gradients \d", errors);
        Assert.Matches("; (it fits with --|choose a smaller model)", errors);
        Assert.False(Directory.Exists(run.File("never")));
    }

    [Fact]
    public void Speed_is_that_of_a_second_or_more()
    {
        var throughput = new Throughput(100);
        Assert.Equal(100, throughput.After(1, 1.0), 1e-9); // the first step compiles
        for (int i = 0; i < 15; i++) throughput.After(1, 0.1);
        Assert.True(throughput.IsSettled);
        Assert.Equal(1000, throughput.After(1, 0.1), 1e-6);
        Assert.Equal(100, throughput.After(1, 1.0), 1e-6);
        Assert.Equal(50, throughput.After(1, 2), 1e-6);
        Assert.False(new Throughput(1).IsSettled);
    }
}
