using System.Diagnostics;

namespace Mayfly.Tests;

/// <summary>The program itself, as a child process.</summary>
public class TrainGptProcessTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private const int PatienceMilliseconds = 60_000;

    [Fact]
    public void An_error_is_one_line_and_a_non_zero_exit_code()
    {
        using var child = Start("--data", run.File("missing.txt"));
        string errors = child.StandardError.ReadToEnd();
        Assert.True(child.WaitForExit(PatienceMilliseconds));
        Assert.Equal(1, child.ExitCode);
        Assert.Matches("^error: There is no file or folder '.*'\\.\r?\n$", errors);
    }

    [Fact]
    public void A_signal_saves_and_ends_the_run()
    {
        if (OperatingSystem.IsWindows()) return; // it has no signals between processes
        using var child = Start(run.Train("signalled", "--steps", "10000000"));
        while (child.StandardOutput.ReadLine() is { } line && !line.StartsWith("step ", StringComparison.Ordinal)) { }
        using (var kill = Process.Start("kill", ["-TERM", $"{child.Id}"])) kill.WaitForExit();
        string rest = child.StandardOutput.ReadToEnd();
        Assert.True(child.WaitForExit(PatienceMilliseconds));
        Assert.Equal(0, child.ExitCode);
        Assert.Contains("Stopped after step", rest);
        using var snapshot = Snapshot.Open(run.File("signalled"));
        Assert.Equal($"{snapshot.Step}", File.ReadLines(run.File("signalled", "log.csv")).Last().Split(',')[0]);
    }

    private static Process Start(params string[] args)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string arg in (string[])["exec", typeof(TrainGpt.App).Assembly.Location, .. args]) start.ArgumentList.Add(arg);
        return Process.Start(start)!;
    }
}
