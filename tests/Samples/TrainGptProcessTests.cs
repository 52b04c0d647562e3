using System.Diagnostics;

namespace Mayfly.Tests;

/// <summary>The program itself, as a child process.</summary>
public class TrainGptProcessTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private const int SomeMoments = 3;
    private const int PatienceMilliseconds = 60_000;

    [Fact]
    public void An_error_is_one_line_and_a_non_zero_exit_code()
    {
        using var child = TrainGptProcess.Start("--data", run.File("missing.txt"));
        string errors = child.StandardError.ReadToEnd();
        Assert.True(child.WaitForExit(PatienceMilliseconds));
        Assert.Equal(1, child.ExitCode);
        Assert.Matches("^error: There is no file or folder '.*'\\.\r?\n$", errors);
    }

    [Fact]
    public void Of_two_runs_started_in_one_folder_one_has_it() => TwinRuns.Check(1);

    [Fact]
    public void A_run_killed_while_it_sets_another_aside_leaves_that_one_whole() => KilledRun.CheckSettingAside(1, seed: 1);

    [Fact]
    public void A_killed_and_resumed_run_ends_as_if_it_had_been_left_alone() => KilledRun.Check(SomeMoments, seed: 1);

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 129)]
    public void A_signal_saves_and_ends_the_run(string signal, int code)
    {
        if (OperatingSystem.IsWindows()) return; // it has no signals between processes
        using var child = TrainGptProcess.Start(run.Train($"signalled{signal}", "--steps", "10000000", "--evaluate-every", "1000000"));
        while (child.StandardOutput.ReadLine() is { } line && !line.StartsWith("step ", StringComparison.Ordinal)) { }
        using (var kill = Process.Start("kill", [$"-{signal}", $"{child.Id}"])) kill.WaitForExit();
        using var patience = new Timer(_ => child.Kill(), null, PatienceMilliseconds, Timeout.Infinite); // a shell may ignore the signal
        string rest = child.StandardOutput.ReadToEnd();
        Assert.True(child.WaitForExit(PatienceMilliseconds));
        Assert.Equal(code, child.ExitCode);
        Assert.Contains("Stopped after step", rest);
        using var snapshot = Snapshot.Open(run.File($"signalled{signal}"));
        Assert.Equal($"{snapshot.Step}", File.ReadLines(run.File($"signalled{signal}", "log.csv")).Last().Split(',')[0]);
    }
}
