using System.Globalization;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>What is said of a run's memory before it, against what its arena counts.</summary>
public class MemoryCheckTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Theory]
    [InlineData("")]
    [InlineData("--mode eager")]
    [InlineData("--model llama --kv-heads 1 --dropout 0.1 --accumulate 3")]
    [InlineData("--optimizer apollo --rank 4 --norm-cap 1.1 --checkpoint-blocks --layers 3")]
    public void What_a_run_says_of_its_memory_is_what_it_takes(string options)
    {
        string name = $"plan{options}";
        string output = TrainGptRun.Good(run.Train(name, [.. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--steps", "2"]));
        string peak = File.ReadLines(run.File(name, "log.csv")).ElementAt(1).Split(',')[5];
        var used = ConfigurationFile.Read(run.File(name, "config.json")).Over(new TrainOptions());
        var plan = StepPlan.Of(used.Used(), ModelChoice.Config(used, used.Vocabulary!.Value));
        Assert.Equal(peak, plan.Peak.Bytes.ToString(CultureInfo.InvariantCulture));
        Assert.Contains($"\nMemory: {MemoryCheck.Parts(plan)}; there are ", output);
    }

    [Fact]
    public void A_step_that_does_not_fit_is_refused_with_what_would()
    {
        var (code, output, errors) = TrainGptRun.Run("train", "--data", run.Data, "--out", run.File("never"), "--model", "llama-7b",
            "--context", "128", "--batch", "512");
        Assert.Equal((1, ""), (code, output));
        Assert.Matches(@"^error: Training takes \d+\.\d\d GiB at the peak of a step: weights 2\d\.\d\d GiB, gradients \d", errors);
        Assert.Matches("(It fits with --|Its weights alone do not fit; take a smaller model.)", errors);
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
