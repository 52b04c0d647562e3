namespace Mayfly.Tests;

/// <summary>Every optimizer and preset of the command line trains, in both modes, and settings that it lacks are refused.</summary>
public class TrainGptOptimizerTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    public static TheoryData<string> Optimizers =>
    [
        "adamw", "sgd", "apollo", "apollo --rank 4 --alpha 2 --refresh 3", "apollo --rank sqrt", "apollo --rank auto",
            "apollo --preset official --rank 4",
            "apollo --preset python-port --rank 4",
        "apollo --preset julia", "apollo-mini", "apollo-mini --preset official", "muon", "muon --preset keller-jordan",
            "muon --preset torch", "muon --preset moonlight",
        "muon --preset julia", "adalomo", "lomo", "adafactor", "adafactor --preset torch", "adafactor --preset hugging-face",
            "galore --rank 4", "galore --preset official --rank 4",
        "adamw --clip-value 0.01 --norm-cap 1.1",
    ];

    [Theory, MemberData(nameof(Optimizers))]
    public void Trains_eagerly_as_deferred(string optimizer)
    {
        string name = optimizer.Replace(' ', '_');
        string Train(string mode) =>
            Weights(TrainGptRun.Good(Args($"{name}-{mode}", $"--optimizer {optimizer} --mode {mode} --clip 0")), $"{name}-{mode}");
        Assert.Equal(Train("deferred"), Train("eager"));
    }

    [Theory]
    [InlineData("two-pass")]
    [InlineData("previous")]
    [InlineData("per-tensor")]
    public void Clips_while_stepping_eagerly(string mode) =>
        TrainGptRun.Good(Args($"clip-{mode}", $"--mode eager --clip-mode {mode} --clip 0.5"));

    [Fact]
    public void Two_passes_give_the_bits_of_deferred_clipping()
    {
        string deferred = Weights(TrainGptRun.Good(Args("clip-deferred", "--clip 0.1")), "clip-deferred");
        Assert.Equal(deferred, Weights(TrainGptRun.Good(Args("clip-eager", "--mode eager --clip-mode two-pass --clip 0.1")), "clip-eager"));
    }

    [Theory]
    [InlineData("--optimizer adamw --rank 4", "--optimizer adamw has none")]
    [InlineData("--optimizer sgd --preset x", "sgd has no presets")]
    [InlineData("--optimizer adalomo --beta1 0.5", "--optimizer adalomo has none")]
    [InlineData("--optimizer adafactor --beta1 0.5", "a first moment, beta1, is of the form HuggingFace")]
    [InlineData("--optimizer muon --preset x", "keller-jordan, torch, moonlight, julia")]
    [InlineData("--optimizer apollo --rank half", "--rank half: Apollo: rank cannot be 'half'")]
    [InlineData("--optimizer galore --rank sqrt", "a whole number is needed")]
    [InlineData("--mode eager --clip-mode previous --clip 0", "clips nothing")]
    [InlineData("--norm-cap 0.5", "--norm-cap 0.5 is out of range")]
    public void Refuses_what_does_not_fit(string options, string message)
    {
        var (code, _, errors) = TrainGptRun.Run(Args("never", options));
        Assert.Equal(1, code);
        Assert.Contains(message, errors);
        Assert.Single(errors.Trim().Split('\n'));
    }

    private string[] Args(string folder, string options) =>
    [
        "train", "--data", run.Data, "--out", run.File(folder), "--layers", "1", "--heads", "2", "--width", "16", "--context", "16",
            "--batch", "2", "--steps", "4",
        "--evaluate-every", "4", "--threads", "1", .. options.Split(' '),
    ];

    /// <summary>The loss column of the log, which any difference of a weight would change.</summary>
    private string Weights(string output, string folder)
    {
        Assert.Contains("Saved to", output);
        return string.Join('\n', File.ReadLines(Path.Combine(run.File(folder), "log.csv")).Select(l =>
            string.Join(',', l.Split(',').Take(3))));
    }
}
