using System.Diagnostics;

namespace Mayfly.Tests;

/// <summary>Starts the program itself.</summary>
internal static class TrainGptProcess
{
    /// <summary>A child process whose output can be read.</summary>
    public static Process Start(params string[] args)
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
