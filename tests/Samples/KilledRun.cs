using System.Diagnostics;

namespace Mayfly.Tests;

/// <summary>Trains a tiny model in a child process that is killed again and again at random moments, each time to be resumed.</summary>
internal static class KilledRun
{
    private const int PatienceMilliseconds = 60_000;

    /// <summary>Steps after the last moment: on a busy machine the kill comes late, and a run that is done cannot be resumed.</summary>
    private const int Rest = 96;

    /// <summary>Compares the end of a killed run with that of one left alone; their files have to be equal to the bit.</summary>
    /// <param name="moments">How often to kill.</param>
    /// <param name="seed">The seed of the moments.</param>
    /// <returns>What happened, in one line.</returns>
    public static string Check(int moments, int seed)
    {
        int steps = 24 * moments + Rest;
        using var folder = new TemporaryFolder();
        string data = folder.Write("text.txt", TrainGptRun.Text(6000));
        Finish(Start(data, folder.File("straight"), steps));
        var random = new Random(seed);
        int unsaved = 0, partial = 0;
        for (int i = 0; i < moments; i++)
        {
            KillAfter(Start(data, folder.File("killed"), steps), folder.File("killed/log.csv"),
                (i + random.Next(1, 10) / 10.0) * (steps - Rest) / moments, random);
            if (!Snapshot.Exists(folder.File("killed"))) unsaved++;
            if (File.Exists(folder.File($"killed/{Snapshot.FileName}.partial"))) partial++;
        }

        Finish(Start(data, folder.File("killed"), steps));
        foreach (string name in new[] { Snapshot.FileName, Snapshot.PreviousFileName })
            Assert.Equal(File.ReadAllBytes(folder.File($"straight/{name}")), File.ReadAllBytes(folder.File($"killed/{name}")));
        Assert.Equal(Losses(folder.File("straight/log.csv")), Losses(folder.File("killed/log.csv")));
        return $"killed {moments} times, {unsaved} of them before a snapshot, {partial} in the middle of writing one; "
            + $"equal to the bit after {steps} steps";
    }

    private static IEnumerable<string> Losses(string log) => File.ReadLines(log).Select(line => string.Join(',', line.Split(',').Take(4)));

    /// <summary>Goes on where there is a snapshot.</summary>
    private static Process Start(string data, string folder, int steps)
    {
        string[] settings = Snapshot.Exists(folder)
            ? ["--resume"]
            : ["--data", data, "--layers", "1", "--heads", "2", "--width", "16", "--context", "16", "--batch", "4", "--steps", $"{steps}",
                "--warm-up", "2",
                "--learning-rate", "1e-2", "--evaluate-every", "100", "--save-every", "3", "--dropout", "0.1", "--accumulate", "2"];
        return TrainGptProcess.Start(["train", "--out", folder, "--threads", "1", .. settings]);
    }

    /// <summary>Waits until the log has reached a step, then for a random part of a step, and kills.</summary>
    private static void KillAfter(Process child, string log, double step, Random random)
    {
        using (child)
        {
            var patience = Stopwatch.StartNew();
            while (LastStep(log) < step && !child.HasExited && patience.ElapsedMilliseconds < PatienceMilliseconds) Thread.Sleep(1);
            Thread.SpinWait(random.Next(200_000));
            Assert.False(child.HasExited, "The run ended before it could be killed.");
            child.Kill();
            child.WaitForExit();
        }
    }

    private static int LastStep(string log)
    {
        if (!File.Exists(log)) return 0;
        using var stream = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return new StreamReader(stream).ReadToEnd().Count(character => character == '\n') - 1;
    }

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
