using System.Diagnostics;
using System.Globalization;

namespace Mayfly.Tests;

/// <summary>
/// Trains a tiny model in a child process that is killed again and again, at any moment from its start on: by the clock, while a file is
/// being written, or after a step. Each time it goes on by itself, and each run that gets to its end has the bits of one left alone.
/// </summary>
internal sealed class KilledRun : IDisposable
{
    private const int PatienceMilliseconds = 120_000, Steps = 60;

    /// <summary>What a run writes under a name of its own first.</summary>
    private static readonly string[] Unfinished = ["probe.", "log.csv.", "config.json.", "snapshot.safetensors.",
        "snapshot.best.safetensors."];

    private readonly TemporaryFolder folder = new();
    private readonly Random random;
    private readonly string data, straight;
    private readonly SortedDictionary<string, int> moments = new(StringComparer.Ordinal);
    private double startSeconds = 0.5;
    private int runs, late;

    private KilledRun(int seed)
    {
        random = new Random(seed);
        data = folder.Write("text.txt", TrainGptRun.Text(6000));
        straight = folder.File("straight");
        Finish(Start(straight));
    }

    private string Out => folder.File($"killed{runs}");

    /// <summary>Kills a run, and those after it, and compares each that ends with one left alone: all files equal to the bit.</summary>
    /// <param name="kills">How often to kill.</param>
    /// <param name="seed">The seed of the moments.</param>
    /// <returns>What happened, in one line.</returns>
    public static string Check(int kills, int seed)
    {
        using var run = new KilledRun(seed);
        for (int i = 0; i < kills; i++) run.Kill();
        run.EndRun();
        return $"killed {kills} times ({string.Join(", ", run.moments.Select(m => $"{m.Value} {m.Key}"))}); "
            + $"{run.runs} runs of {Steps} steps came to their end, each equal to the bit to one left alone; "
            + $"{run.late} of them were killed after the last step was saved";
    }

    /// <summary>Kills runs while they set another run aside: its files stay together, and a run in the folder goes on by itself.</summary>
    /// <returns>How many files were on their way, in one line.</returns>
    public static string CheckSettingAside(int kills, int seed)
    {
        using var run = new KilledRun(seed);
        int caught = 0;
        for (int i = 0, kill = 0; kill < kills; i++)
        {
            if (run.KillSettingAside(run.folder.File($"aside{i}")) is not { } isBetween) continue;
            (kill, caught) = (kill + 1, caught + (isBetween ? 1 : 0));
        }

        return $"killed {kills} times while another run was set aside, {caught} of them between its files; that run was whole each time";
    }

    public void Dispose() => folder.Dispose();

    private void Kill()
    {
        for (; ; )
        {
            using var child = Start(Out);
            string? moment = random.Next(4) switch
            {
                0 => Wait(child, "by the clock", random.NextDouble() * 1.5 * startSeconds),
                1 => WaitForStep(child),
                _ => WaitForFile(child),
            };
            if (moment is not null)
            {
                child.Kill();
                child.WaitForExit();
                moments[moment] = moments.GetValueOrDefault(moment) + 1;
                if (IsOver()) EndLate();
                return;
            }

            Finish(child);
            Compare();
        }
    }

    /// <summary>True where the last step was saved before the kill: there is nothing left to go on to.</summary>
    private bool IsOver()
    {
        if (!Snapshot.Exists(Out)) return false;
        using var snapshot = Snapshot.Open(Out);
        return snapshot.Step == Steps;
    }

    /// <summary>What was saved is the end of a run left alone; what else the kill cut short is not looked at.</summary>
    private void EndLate()
    {
        Assert.Equal(File.ReadAllBytes(Path.Combine(straight, Snapshot.FileName)), File.ReadAllBytes(Path.Combine(Out, Snapshot.FileName)));
        (runs, late) = (runs + 1, late + 1);
    }

    private void EndRun()
    {
        Finish(Start(Out));
        Compare();
    }

    private void Compare()
    {
        foreach (string name in new[] { Snapshot.FileName, Snapshot.PreviousFileName, Snapshot.BestFileName })
            Assert.Equal(File.ReadAllBytes(Path.Combine(straight, name)), File.ReadAllBytes(Path.Combine(Out, name)));
        Assert.Equal(Losses(straight), Losses(Out));
        Assert.Equal(Names(straight), Names(Out));
        runs++;
    }

    /// <summary>Null where a busy machine let the run go by before it could be killed.</summary>
    private bool? KillSettingAside(string place)
    {
        foreach (string file in Directory.GetFiles(straight))
        {
            Directory.CreateDirectory(place);
            File.Copy(file, Path.Combine(place, Path.GetFileName(file)));
        }

        bool isBetween;
        using (var child = Start(place, "--seed", "2"))
        {
            string half = Path.Combine(place, "run-1.partial");
            while (!Directory.Exists(half) && !child.HasExited) Thread.SpinWait(20);
            Thread.SpinWait(random.Next(20_000));
            if (child.HasExited) return null;
            child.Kill();
            child.WaitForExit();
            isBetween = Directory.Exists(half);
        }

        Finish(Start(place, "--seed", "2"));
        string[] old = [.. Directory.GetDirectories(place).Where(run => File.Exists(Path.Combine(run, "config.json"))
            && File.ReadAllText(Path.Combine(run, "config.json")) == File.ReadAllText(Path.Combine(straight, "config.json")))];
        Assert.Equal(Names(straight), Names(Assert.Single(old)));
        foreach (string name in Names(straight))
            Assert.Equal(File.ReadAllBytes(Path.Combine(straight, name)), File.ReadAllBytes(Path.Combine(old[0], name)));
        Assert.Empty(Directory.GetDirectories(place, "*.partial"));
        return isBetween;
    }

    /// <summary>Goes on where there is a snapshot.</summary>
    private Process Start(string place, params string[] more)
    {
        string[] settings = more.Length == 0 && Snapshot.Exists(place)
            ? ["--resume"]
            : ["--data", data, "--layers", "1", "--heads", "2", "--width", "16", "--context", "16", "--batch", "4", "--steps", $"{Steps}",
                "--warm-up", "2",
                "--learning-rate", "1e-2", "--evaluate-every", "20", "--save-every", "3", "--dropout", "0.1", "--accumulate", "2", .. more];
        return TrainGptProcess.Start(["train", "--out", place, "--threads", "1", .. settings]);
    }

    private string? Wait(Process child, string moment, double seconds) => child.WaitForExit(TimeSpan.FromSeconds(seconds)) ? null : moment;

    /// <summary>Waits until the log has reached a step, then for a part of a step.</summary>
    private string? WaitForStep(Process child)
    {
        var clock = Stopwatch.StartNew();
        int first = LastStep(), wanted = first + random.Next(1, 12);
        while (LastStep() < wanted)
        {
            if (child.HasExited) return null;
            Thread.Sleep(0);
        }

        if (first > 0) startSeconds = clock.Elapsed.TotalSeconds;
        Thread.SpinWait(random.Next(200_000));
        return child.HasExited ? null : "after a step";
    }

    /// <summary>Waits until a file is being written, of which its writer is killed.</summary>
    private string? WaitForFile(Process child)
    {
        string wanted = Unfinished[random.Next(Unfinished.Length)];
        for (int skip = random.Next(3); ;)
        {
            if (child.HasExited) return null;
            if (!IsWriting(wanted)) continue;
            if (skip-- == 0) break;
            while (IsWriting(wanted) && !child.HasExited) { }
        }

        Thread.SpinWait(random.Next(30_000));
        return child.HasExited ? null : $"while writing {wanted.TrimEnd('.')}";
    }

    private bool IsWriting(string name) => Directory.Exists(Out) && Directory.EnumerateFiles(Out, $"{name}*.partial").Any();

    private int LastStep()
    {
        string log = Path.Combine(Out, "log.csv");
        if (!File.Exists(log)) return 0;
        string[] lines = Encoding(Files.ReadBytes(log)).Split('\n');
        return lines.Length > 2 ? int.Parse(lines[^2].Split(',')[0], CultureInfo.InvariantCulture) : 0;
    }

    private static string Encoding(byte[] bytes) => System.Text.Encoding.UTF8.GetString(bytes);

    private static IEnumerable<string> Losses(string place) =>
        File.ReadLines(Path.Combine(place, "log.csv")).Select(line => string.Join(',', line.Split(',').Take(4)));

    /// <summary>All that is in a folder: a killed writer leaves nothing that stays.</summary>
    private static string[] Names(string place) =>
        [.. Directory.GetFiles(place).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    private static void Finish(Process child)
    {
        using (child)
        {
            Task<string> output = child.StandardOutput.ReadToEndAsync(), errors = child.StandardError.ReadToEndAsync();
            Assert.True(child.WaitForExit(PatienceMilliseconds));
            Assert.True(child.ExitCode == 0, $"{errors.Result}{output.Result}");
        }
    }
}
