using System.Diagnostics;

namespace Mayfly.Tests;

/// <summary>A child process that runs one command of <see cref="Program"/>.</summary>
internal static class TestProcess
{
    /// <summary>Runs a command to its end, in an environment that <paramref name="prepare"/> may change.</summary>
    public static (int ExitCode, string Output, string Errors) Run(string command, Action<IDictionary<string, string?>>? prepare = null)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { "exec", typeof(TestProcess).Assembly.Location, command },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        prepare?.Invoke(start.Environment);
        using var child = Process.Start(start)!;
        var errors = child.StandardError.ReadToEndAsync();
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return (child.ExitCode, output, errors.Result);
    }
}
