using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Mayfly.Tests;

/// <summary>
/// Tries the tests: each fault of <see cref="MutantList"/> must make one of its tests fail. All faults are put into one copy of the source,
/// each behind a switch, so that it is built once; a variable turns one on.
/// </summary>
internal static class Mutants
{
    private const string Variable = "MAYFLY_MUTANT";
    private const int PatienceMilliseconds = 240_000;

    private const string Switch = """
        namespace Mayfly;

        /// <summary>Which deliberate fault is on.</summary>
        public static class Mutation
        {
            private static readonly int number = int.Parse(System.Environment.GetEnvironmentVariable("MAYFLY_MUTANT") ?? "0");

            /// <summary>True for the fault of this number.</summary>
            public static bool Is(int fault) => number == fault;
        }
        """;

    /// <summary>Runs all faults, or those of the given numbers; prints a table.</summary>
    /// <returns>0 where each was noticed.</returns>
    public static int Run(string[] numbers, TextWriter output)
    {
        var wanted = numbers.Select(n => int.Parse(n, CultureInfo.InvariantCulture)).ToHashSet();
        using var folder = new TemporaryFolder();
        string copy = folder.File("mutants");
        CopyTree(DocsTests.Root!, copy);
        for (int i = 0; i < MutantList.All.Length; i++) Patch(copy, MutantList.All[i], i + 1);
        File.WriteAllText(Path.Combine(copy, "src/Kernels/Mutation.cs"), Switch);
        string[] build = ["build", "tests/Tests.csproj", "-c", "Release", "--nologo", "-v", "q", "-p:RunAnalyzers=false"];
        var (code, text, _) = TestProcess.Dotnet(build, copy, e => e.Remove("CI"));
        if (code != 0) throw new InvalidOperationException($"The patched copy does not build:\n{text}");
        if (!Passes(copy, 0, [.. MutantList.All.SelectMany(m => m.Tests).Distinct()], output))
            throw new InvalidOperationException("The tests fail without a fault.");
        output.WriteLine("| # | Fault | Noticed by | |\n|---|---|---|---|");
        int survivors = 0;
        for (int i = 1; i <= MutantList.All.Length; i++)
        {
            if (wanted.Count > 0 && !wanted.Contains(i)) continue;
            var mutant = MutantList.All[i - 1];
            bool survives = Passes(copy, i, mutant.Tests, TextWriter.Null);
            if (survives) survivors++;
            string tests = string.Join(", ", mutant.Tests.Select(t => $"`{t}`"));
            output.WriteLine($"| {i} | {mutant.Name} | {tests} | {(survives ? "SURVIVES" : "killed")} |");
        }

        output.WriteLine($"{survivors} survive");
        return survivors == 0 ? 0 : 1;
    }

    private static void Patch(string copy, Mutant mutant, int number)
    {
        string path = Path.Combine(copy, mutant.Path), text = File.ReadAllText(path);
        if (text.Split(mutant.From).Length != 2) throw new InvalidOperationException($"{mutant.Name}: no single place in {mutant.Path}.");
        File.WriteAllText(path, text.Replace(mutant.From, mutant.To.Replace("{on}", $"Mayfly.Mutation.Is({number})")));
    }

    private static bool Passes(string copy, int number, IEnumerable<string> patterns, TextWriter output)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, WorkingDirectory = copy };
        start.ArgumentList.Add("artifacts/bin/Tests/release/Tests.dll");
        foreach (string pattern in patterns)
        {
            start.ArgumentList.Add("-method");
            start.ArgumentList.Add(pattern);
        }

        start.ArgumentList.Add("-noColor");
        start.Environment[Variable] = number.ToString(CultureInfo.InvariantCulture);
        using var child = Process.Start(start)!;
        var printed = new StringBuilder();
        child.OutputDataReceived += (_, line) => printed.AppendLine(line.Data);
        child.BeginOutputReadLine();
        if (!child.WaitForExit(PatienceMilliseconds))
        {
            child.Kill(entireProcessTree: true);
            return false;
        }

        child.WaitForExit();
        string text = printed.ToString();
        if (child.ExitCode != 0) output.WriteLine(text);
        return text.Contains("Total: 0,", StringComparison.Ordinal)
            ? throw new InvalidOperationException($"No test is called {string.Join(" or ", patterns)}.")
            : child.ExitCode == 0;
    }

    private static void CopyTree(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (string folder in Directory.EnumerateDirectories(from))
            if (Path.GetFileName(folder) is var name and not ("artifacts" or "bin" or "obj" or ".git"))
                CopyTree(folder, Path.Combine(to, name));
    }
}
