using System.Diagnostics;
using System.Globalization;

namespace Mayfly.Tests;

/// <summary>
/// Trains a tiny model on processes of <c>mpirun</c>, of which one is killed at a random moment from their start on: the others have to end
/// in time, and the run that goes on has to come to the bits of one left alone.
/// </summary>
internal sealed class KilledRanks : IDisposable
{
    private const int PatienceMilliseconds = 120_000, Steps = 60, MostSeconds = 10;
    private readonly TemporaryFolder folder = new();
    private readonly Random random;
    private readonly string mpirun, data;
    private readonly Dictionary<(int, bool), (string Weights, double Seconds)> straight = [];
    private readonly List<double> seconds = [];
    private readonly List<long> steps = [];
    private int lines;

    private KilledRanks(string mpirun, int seed)
    {
        (this.mpirun, random) = (mpirun, new Random(seed));
        data = folder.Write("text.txt", TrainGptRun.Text(6000));
    }

    /// <summary>Kills a rank of as many runs.</summary>
    /// <param name="kills">How many.</param>
    /// <param name="seed">The seed of the moments.</param>
    /// <param name="mpirun">The launcher.</param>
    /// <returns>What happened, in one line.</returns>
    public static string Check(int kills, int seed, string mpirun)
    {
        using var ranks = new KilledRanks(mpirun, seed);
        for (int i = 0; i < kills;)
            if (ranks.Kill(2 + i % 2, i % 4 > 0, ranks.folder.File($"killed{i}"))) i++;
        string took = string.Create(CultureInfo.InvariantCulture, $"{ranks.seconds.Min():F1} to {ranks.seconds.Max():F1} s");
        return $"one of 2 or 3 ranks was killed in {kills} runs, after step {string.Join(", ", ranks.steps)} was saved (-1: none was); "
            + $"the others ended after {took}, and said {ranks.lines} lines in all; each run went on to the bits of one left alone";
    }

    public void Dispose() => folder.Dispose();

    /// <summary>False where the run was over before it could be killed.</summary>
    private bool Kill(int ranks, bool isDivided, string place)
    {
        var whole = Straight(ranks, isDivided);
        using var launcher = Start(ranks, isDivided, place);
        if (launcher.WaitForExit(TimeSpan.FromSeconds(0.2 + random.NextDouble() * whole.Seconds))) return false;
        if (RankOf(launcher.Id, random.Next(ranks)) is not { } victim) return End(launcher);
        var output = (launcher.StandardOutput.ReadToEndAsync(), launcher.StandardError.ReadToEndAsync());
        using (victim) victim.Kill();
        long start = Stopwatch.GetTimestamp();
        Assert.True(launcher.WaitForExit(PatienceMilliseconds), "The others did not end.");
        double took = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Assert.True(took < MostSeconds, $"The others ended after {took} s.");
        string[] said = [.. output.Item2.Result.Split('\n').Where(line =>
            line.StartsWith("error: ", StringComparison.Ordinal) || line.StartsWith("warning: ", StringComparison.Ordinal))];
        Assert.InRange(said.Length, 0, 1);
        Assert.DoesNotContain(" at Mayfly.", output.Item2.Result); // no trace
        seconds.Add(took);
        lines += said.Length;
        steps.Add(GoOn(ranks, isDivided, place));
        Assert.Equal(whole.Weights, Weights(place));
        return true;
    }

    private static bool End(Process launcher)
    {
        launcher.Kill(entireProcessTree: true);
        launcher.WaitForExit();
        return false;
    }

    /// <summary>A run that nobody disturbs.</summary>
    private (string Weights, double Seconds) Straight(int ranks, bool isDivided)
    {
        if (straight.TryGetValue((ranks, isDivided), out var known)) return known;
        string place = folder.File($"straight{ranks}{isDivided}");
        long start = Stopwatch.GetTimestamp();
        Finish(Start(ranks, isDivided, place));
        return straight[(ranks, isDivided)] = (Weights(place), Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>Goes on from the last snapshot, or begins where there is none.</summary>
    /// <returns>The step of that snapshot.</returns>
    private long GoOn(int ranks, bool isDivided, string place)
    {
        long step = -1;
        if (Snapshot.Exists(place))
            using (var snapshot = Snapshot.Open(place))
            {
                Assert.Null(snapshot.Warning);
                step = snapshot.Step;
            }

        if (step < Steps) Finish(Start(ranks, isDivided, place));
        return step;
    }

    private Process Start(int ranks, bool isDivided, string place)
    {
        string[] settings = Snapshot.Exists(place)
            ? ["--resume"]
            : ["--data", data, "--layers", "1", "--heads", "4", "--width", "128", "--context", "16", "--batch", "4", "--steps", $"{Steps}",
                "--warm-up", "2", "--learning-rate", "1e-3", "--evaluate-every", "20", "--save-every", "3", "--dropout", "0.1",
                "--accumulate", "2", .. isDivided ? (string[])["--shard"] : []];
        var start = new ProcessStartInfo(mpirun) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] launch = mpirun.Contains("mpich", StringComparison.Ordinal) || mpirun.Contains("hydra", StringComparison.Ordinal)
            ? ["-n", $"{ranks}"]
            : ["-n", $"{ranks}", "--oversubscribe", "--bind-to", "none"];
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        foreach (string word in (string[])[.. launch, dotnet, "exec", typeof(TrainGpt.App).Assembly.Location, "train", "--out", place,
            "--threads", "1", .. settings]) start.ArgumentList.Add(word);
        foreach (string name in (string[])["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"]) start.Environment[name] = "1";
        return Process.Start(start)!;
    }

    private static void Finish(Process launcher)
    {
        using (launcher)
        {
            Task<string> output = launcher.StandardOutput.ReadToEndAsync(), errors = launcher.StandardError.ReadToEndAsync();
            Assert.True(launcher.WaitForExit(PatienceMilliseconds));
            Assert.True(launcher.ExitCode == 0, $"{errors.Result}{output.Result}");
        }
    }

    /// <summary>The process of a rank, by what the launcher has put in its environment; null where it is not there yet.</summary>
    private static Process? RankOf(int launcher, int rank)
    {
        string[] names = [$"OMPI_COMM_WORLD_RANK={rank}", $"PMI_RANK={rank}"];
        foreach (var process in Process.GetProcesses())
            if (IsBelow(process.Id, launcher) && Read(process.Id, "environ").Split('\0').Any(names.Contains)
                && Read(process.Id, "cmdline").Contains("TrainGpt", StringComparison.Ordinal)) return process;
            else process.Dispose();
        return null;
    }

    private static bool IsBelow(int process, int ancestor)
    {
        for (int depth = 0; process > 1 && depth < 4; depth++)
        {
            string stat = Read(process, "stat");
            string[] words = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2) return false;
            process = int.Parse(words[1], CultureInfo.InvariantCulture);
            if (process == ancestor) return true;
        }

        return false;
    }

    private static string Read(int process, string what)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/{what}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>The checksums of all that the newest snapshot has.</summary>
    private static string Weights(string place) => TrainGptRanksTests.Weights(place);
}
