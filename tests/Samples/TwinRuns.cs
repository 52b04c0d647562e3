using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Mayfly.Tests;

/// <summary>Starts two processes that train into one folder at the same time: one has it, the other says so and touches nothing.</summary>
internal static class TwinRuns
{
    private const int PatienceMilliseconds = 120_000, Steps = 400;

    /// <summary>Starts pairs of processes.</summary>
    /// <returns>What happened, in one line.</returns>
    public static string Check(int pairs)
    {
        using var folder = new TemporaryFolder();
        string data = folder.Write("text.txt", TrainGptRun.Text(6000));
        int refused = 0;
        for (int i = 0; i < pairs; i++) refused += Start(data, folder.File($"pair{i}")) ? 1 : 0;
        return $"{pairs} pairs: {refused} times one was refused, {pairs - refused} times the second came after the first; nothing was lost";
    }

    private static bool Start(string data, string place)
    {
        Process[] children = [.. Enumerable.Range(1, 2).Select(seed => TrainGptProcess.Start(
            "train", "--data", data, "--out", place, "--layers", "1", "--heads", "2", "--width", "16", "--context", "16", "--batch", "4",
            "--threads", "1", "--steps", $"{Steps}", "--save-every", "50", "--evaluate-every", "100", "--seed", $"{seed}"))];
        var errors = children.Select(child => child.StandardError.ReadToEndAsync()).ToArray();
        var outputs = children.Select(child => child.StandardOutput.ReadToEndAsync()).ToArray();
        foreach (var child in children) Assert.True(child.WaitForExit(PatienceMilliseconds));
        int[] codes = [.. children.Select(child => child.ExitCode)];
        foreach (var child in children) child.Dispose();
        if (codes.Sum() == 1)
        {
            int loser = Array.IndexOf(codes, 1);
            Assert.Matches(@"^error: '.*' is in use by (process \d+ on .* since .* UTC|another process); .*\n$", errors[loser].Result);
            Check(place, seed: 2 - loser);
            Assert.Empty(Directory.GetDirectories(place));
            return true;
        }

        Assert.Equal([0, 0], codes);
        int[] seeds = [Seed(place), Seed(Path.Combine(place, "run-1"))];
        Assert.Equal(3, seeds.Sum());
        Check(place, seeds[0]);
        Check(Path.Combine(place, "run-1"), seeds[1]);
        return false;
    }

    private static int Seed(string place) => (int)JsonNode.Parse(File.ReadAllText(Path.Combine(place, "config.json")))!["seed"]!;

    /// <summary>Weights, settings and log are of one run, and whole.</summary>
    private static void Check(string place, int seed)
    {
        using var snapshot = Snapshot.Open(place);
        Assert.Equal((Steps, null), (snapshot.Step, snapshot.Warning));
        Assert.Equal(seed, (int)snapshot.Configuration<JsonObject>()["Options"]!["seed"]!);
        Assert.Equal(seed, Seed(place));
        Assert.Equal(Steps + 1, File.ReadLines(Path.Combine(place, "log.csv")).Count());
        Assert.Empty(Directory.GetFiles(place, "*.partial").Concat(Directory.GetFiles(place, ".mayfly*")));
    }
}
