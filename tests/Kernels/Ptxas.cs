using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Mayfly.Tests;

/// <summary>What NVIDIA's assembler makes of a kernel.</summary>
/// <param name="Registers">Of a lane.</param>
/// <param name="LocalBytes">Of a lane: its stack and what did not fit into registers.</param>
/// <param name="Message">What it said.</param>
internal readonly record struct Assembled(int Registers, int LocalBytes, string Message)
{
    /// <summary>True where it was taken with all numbers in registers.</summary>
    public bool IsClean => Registers > 0 && LocalBytes == 0 && !Message.Contains("warning");
}

/// <summary>NVIDIA's assembler: <c>ptxas</c> on the path, or what the environment variable MAYFLY_PTXAS names.</summary>
internal static partial class Ptxas
{
    /// <summary>Why a test is skipped.</summary>
    public const string Missing = "ptxas is not on the path, and MAYFLY_PTXAS does not name it";

    private static readonly string? path = Find();

    /// <summary>True where it can be run.</summary>
    public static bool IsThere => path is not null;

    /// <summary>Assembles PTX for a compute capability.</summary>
    public static Assembled Assemble(string ptx, int capability)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, ptx);
            string said = Run($"-v -arch=sm_{capability} {file} -o {(OperatingSystem.IsWindows() ? "NUL" : "/dev/null")}");
            int[] local = [.. LocalRegex().Matches(said).Select(m => Number(m.Groups[1].Value))];
            return new(RegistersRegex().Match(said) is { Success: true } m ? Number(m.Groups[1].Value) : 0, local.Sum(), said);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string Run(string arguments)
    {
        var start = new ProcessStartInfo(path!, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        string said = process.StandardError.ReadToEnd() + output.Result;
        process.WaitForExit();
        return said;
    }

    private static string? Find()
    {
        string[] names = [Environment.GetEnvironmentVariable("MAYFLY_PTXAS") ?? "", .. (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator).Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "ptxas.exe" : "ptxas"))];
        return Array.Find(names, File.Exists);
    }

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex RegistersRegex();

    [GeneratedRegex(@"(\d+) bytes (?:stack frame|spill stores|spill loads)")]
    private static partial Regex LocalRegex();
}
