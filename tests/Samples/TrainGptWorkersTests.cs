using TrainGpt;

namespace Mayfly.Tests;

/// <summary><c>train --sync-folder</c>: several runs, which are threads here, that train one model.</summary>
public sealed class TrainGptWorkersTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private static readonly string[] Short = ["--evaluate-every", "3", "--evaluate-tokens", "64", "--sync-every", "3"];

    [Fact]
    public void Workers_come_to_one_model_and_go_on_from_their_snapshots()
    {
        string[] even = [.. Short, "--warm-up", "0", "--min-learning-rate", "1e-2"];
        Assert.Equal("", Good("straight", 2, [.. even, "--steps", "9"]));
        Assert.Equal(Weights("straight0"), Weights("straight1"));
        Assert.NotEqual(Losses("straight0"), Losses("straight1")); // each learns from its own windows
        Good("parts", 2, [.. even, "--steps", "6"]);
        Assert.Equal("", Together(2, worker => ["train", "--out", run.File($"parts{worker}"), "--resume", "--steps", "9"]));
        Assert.Equal(Weights("straight0"), Weights("parts0"));
        Assert.Equal(Weights("straight0"), Weights("parts1"));
    }

    [Fact]
    public void A_worker_that_comes_alone_goes_on_without_the_others()
    {
        string warnings = Together(1, worker => Train("alone", worker, [.. Short, "--steps", "6", "--workers", "2", "--sync-wait", "0"]));
        Assert.Contains("warning: Step 3: worker 1 did not come within 0 s; the others go on.", warnings);
        Assert.Contains("are ahead; this one goes on with their weights.",
            Together(1, _ => Train("alone", 1, [.. Short, "--steps", "6", "--workers", "2", "--sync-wait", "0"])));
        Assert.Equal(Weights("alone0"), Weights("alone1"));
    }

    [Fact]
    public void Workers_with_other_settings_are_one_line_that_names_them()
    {
        Good("other", 1, [.. Short, "--steps", "3"]);
        var (code, _, errors) = TrainGptRun.Run(Train("other", 1, [.. Short, "--steps", "3", "--seed", "2"]));
        Assert.Equal(1, code);
        Assert.Equal($"error: --sync-folder {run.File("other")}: its workers have seed 1, this one has 2: start all with the same program, "
            + "options and files.\n", errors);
        Assert.Contains("give --sync-folder too", TrainGptRun.Run(run.Train("x", "--worker", "1")).Errors);
    }

    [Fact]
    public void A_plan_says_what_workers_write()
    {
        string plan = TrainGptRun.Good("plan", "--model", "gpt2-124m", "--sync-folder", run.File("none"), "--workers", "4");
        Assert.Contains("Workers: 4; each writes 120.", plan);
        Assert.Contains("every 500 steps and reads as much of each other one, 1/", plan);
        Assert.False(Directory.Exists(run.File("none")));
    }

    private string[] Train(string name, int worker, string[] more) =>
        run.Train($"{name}{worker}", [.. more, "--sync-folder", run.File(name), "--worker", $"{worker}"]);

    private string Good(string name, int workers, string[] more) =>
        Together(workers, worker => Train(name, worker, [.. more, "--workers", $"{workers}"]));

    /// <summary>What they warn of.</summary>
    private static string Together(int workers, Func<int, string[]> args)
    {
        var said = new (int Code, string Output, string Errors)[workers];
        InProcess.Run(workers, own => said[own.Rank] = TrainGptRun.Run(args(own.Rank)));
        Assert.All(said, one => Assert.Equal((0, ""), (one.Code, one.Code == 0 ? "" : one.Errors)));
        return string.Concat(said.Select(one => one.Errors));
    }

    private float[] Weights(string name)
    {
        using var file = SafeTensorsReader.Open(run.File(name, Snapshot.FileName));
        return [.. file.Entries.Keys.Where(key => !key.Contains('/')).Order(StringComparer.Ordinal).SelectMany(file.Read<float>)];
    }

    private string[] Losses(string name) => [.. File.ReadLines(run.File(name, RunLog.FileName)).Skip(1).Select(line => line.Split(',')[1])];
}
