using TrainGpt;

namespace Mayfly.Tests;

/// <summary><c>train</c> on several processes, which are threads here: one result, one voice, one folder.</summary>
public sealed class TrainGptRanksTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private static readonly string[] Short = ["--steps", "4", "--evaluate-every", "2", "--evaluate-tokens", "64"];

    public static TheoryData<string> Settings =>
    [
        "--mode eager --clip 0 --width 128 --heads 4",
        "--model llama --width 128 --heads 4 --optimizer apollo --norm-cap 1.01 --checkpoint-blocks all --tied true --accumulate 2",
    ];

    [Theory]
    [MemberData(nameof(Settings))]
    public void Divided_weights_give_the_snapshot_of_whole_ones_to_the_bit(string settings)
    {
        string[] more = [.. Short, .. settings.Split(' ')];
        string id = settings.Replace(' ', '_');
        Good(2, run.Train($"whole{id}", more));
        Good(2, run.Train($"shard{id}", [.. more, "--shard"]));
        Assert.Equal(Weights($"whole{id}"), Weights($"shard{id}"));
    }

    [Fact]
    public void A_run_goes_on_with_another_number_of_ranks_and_comes_to_the_same_loss()
    {
        string output = Good(3, run.Train("three", Short));
        Assert.Contains("Ranks: 3 by threads of one process.", output);
        Assert.Single(output.Split('\n'), line => line.StartsWith("Model:", StringComparison.Ordinal));
        Good(1, run.Train("one", Short));
        Good(2, ["train", "--out", run.File("three"), "--resume", "--steps", "6", "--shard"]);
        Good(1, ["train", "--out", run.File("one"), "--resume", "--steps", "6"]);
        double[] three = Losses("three"), one = Losses("one");
        Assert.Equal(6, three.Length);
        Closeness.OfItself(1, 1e-5, three, one, "losses");
    }

    [Fact]
    public void A_run_of_as_many_ranks_resumes_to_the_bit()
    {
        string[] rates = ["--warm-up", "0", "--min-learning-rate", "1e-2"];
        Good(2, run.Train("straight", [.. rates, .. Short]));
        Good(2, run.Train("parts", [.. rates, "--steps", "2", "--evaluate-every", "2"]));
        Good(2, ["train", "--out", run.File("parts"), "--resume", "--steps", "4"]);
        Assert.Equal(Weights("straight"), Weights("parts"));
    }

    [Fact]
    public void Ranks_give_the_bits_of_one_process_that_takes_their_windows_one_after_the_other()
    {
        string[] same = [.. Short, "--mode", "eager", "--clip", "0.1", "--clip-mode", "previous", "--dropout", "0.1"];
        Good(3, run.Train("tree3", [.. same, "--batch", "6"]));
        Good(1, run.Train("tree1", [.. same, "--batch", "2", "--accumulate", "3", "--sums-apart"]));
        Assert.Equal(Weights("tree3"), Weights("tree1"));
    }

    [Fact]
    public void What_ranks_have_not_alike_is_one_line_that_names_it()
    {
        Assert.Equal("error: Rank 1 has seed 2, rank 0 has 1: start all with the same program, options and files.",
            Failure(rank => run.Train("other", [.. Short, "--seed", rank == 0 ? "1" : "2"])));
        string text = run.Write("other.txt", File.ReadAllText(run.Data)[..^1] + "!");
        Assert.Contains("Rank 1 has data-hash", Failure(rank => run.TrainOn(rank == 0 ? run.Data : text, "other", Short)));
        Assert.Contains("error: rank 1: ", Failure(rank => run.TrainOn(rank == 0 ? run.Data : run.File("none.txt"), "other", Short)));
        Assert.Contains("error: --batch 1: its windows are shared by 2 processes",
            Failure(_ => run.Train("other", [.. Short, "--batch", "1"])));
        Assert.False(File.Exists(run.File("other", Snapshot.FileName)));
    }

    [Fact]
    public void A_plan_says_what_the_rank_that_needs_most_takes_and_sends()
    {
        string[] plan = ["plan", "--model", "gpt2-124m", "--batch", "4", "--mode", "eager", "--clip", "0"];
        string whole = TrainGptRun.Good(plan), divided = TrainGptRun.Good([.. plan, "--ranks", "4", "--shard"]);
        Assert.DoesNotContain("Ranks:", whole);
        Assert.Contains("Ranks: 4; of rank ", divided);
        Assert.True(Most(divided, "weights") < 0.5 * Most(whole, "weights"));
        Assert.True(Most(divided, "state") < 0.5 * Most(whole, "state"));
    }

    /// <summary>The exact bytes of a use in the table of a plan, its third number.</summary>
    private static double Most(string plan, string use)
    {
        string line = plan.Split('\n').First(l => l.StartsWith($"{use} ", StringComparison.Ordinal));
        return double.Parse(line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[1]);
    }

    private double[] Losses(string name) =>
        [.. File.ReadLines(run.File(name, RunLog.FileName)).Skip(1).Select(line => double.Parse(line.Split(',')[1]))];

    /// <summary>The checksums of all weights and states.</summary>
    private string Weights(string name)
    {
        using var file = SafeTensorsReader.Open(run.File(name, Snapshot.FileName));
        return file.Metadata["crc32c"];
    }

    private static string Good(int ranks, string[] args)
    {
        var (codes, output, errors) = Run(ranks, _ => args);
        Assert.Equal("", errors);
        Assert.All(codes, code => Assert.Equal(0, code));
        return output;
    }

    private static string Failure(Func<int, string[]> args)
    {
        var (codes, _, errors) = Run(2, args);
        Assert.Equal([1, 1], codes);
        return Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static (int[] Codes, string Output, string Errors) Run(int ranks, Func<int, string[]> args)
    {
        var (codes, output, errors) = (new int[ranks], new StringWriter(), new StringWriter());
        InProcess.Run(ranks, own => codes[own.Rank] = App.Run(args(own.Rank), new CommandContext(
            TextReader.Null, TextWriter.Synchronized(output), TextWriter.Synchronized(errors), new Signals()) { Join = () => own }));
        return (codes, output.ToString(), errors.ToString());
    }
}
