using System.Diagnostics;

namespace Mayfly.Tests;

/// <summary>Starts the program itself.</summary>
internal static class TrainGptProcess
{
    /// <summary>A child process whose output can be read.</summary>
    public static Process Start(params string[] args) => Start(args, []);

    /// <summary>The same with more in its environment.</summary>
    public static Process Start(string[] args, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string arg in (string[])["exec", typeof(TrainGpt.App).Assembly.Location, .. args]) start.ArgumentList.Add(arg);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
