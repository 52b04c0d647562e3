using System.Diagnostics;

namespace Mayfly.Tests;

/// <summary>Child processes.</summary>
internal static class TestProcess
{
    /// <summary>Runs a command of <see cref="Program"/>, in an environment that <paramref name="prepare"/> may change.</summary>
    public static (int ExitCode, string Output, string Errors) Run(string command, Action<IDictionary<string, string?>>? prepare = null) =>
        Dotnet(["exec", typeof(TestProcess).Assembly.Location, command], Environment.CurrentDirectory, prepare);

    /// <summary>Runs a command of dotnet to its end.</summary>
    public static (int ExitCode, string Output, string Errors) Dotnet(
        string[] arguments, string folder, Action<IDictionary<string, string?>>? prepare = null)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments)
        {
            WorkingDirectory = folder,
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
