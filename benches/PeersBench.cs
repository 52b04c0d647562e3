using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Mayfly.Benches;

/// <summary>
/// Runs <see cref="StepBench"/> beside the same work in other engines (benches/peers), each in a process of its own, one after the other,
/// and prints the ratios of the medians. A peer that does not start is left out with a line that says how to get it.
/// </summary>
internal static partial class PeersBench
{
    /// <summary>What the command line says.</summary>
    /// <param name="Models">gpt, llama or both.</param>
    /// <param name="Configs">Sizes of <see cref="StepBench.Sizes"/>.</param>
    /// <param name="Rounds">Processes of each engine and size.</param>
    /// <param name="Steps">Timed steps of size S; the larger sizes take fewer.</param>
    /// <param name="Python">The command that starts Python with PyTorch.</param>
    /// <param name="TorchSharp">The command that starts the built TorchSharpPeer.</param>
    /// <param name="Prefix">Goes before the path of the Python program: a chroot sees this machine under another folder.</param>
    /// <param name="Narrow">Limits every engine to vectors of 256 bits.</param>
    /// <param name="Products">Compares matrix products instead of steps.</param>
    internal sealed record Options(
        string[] Models, string[] Configs, int Rounds, int Steps, string Python, string TorchSharp, string Prefix, bool Narrow,
        bool Products);

    /// <summary>An engine: the command that takes the verbs step and gemm, and how to get it.</summary>
    private sealed record Engine(string Name, string Command, string Remedy);

    /// <summary>One process' figures.</summary>
    private readonly record struct Figures(double TokensPerSecond, double Mebibytes);

    [GeneratedRegex(@"tokens/s median (\d+)")]
    private static partial Regex Tokens { get; }

    [GeneratedRegex(@"peak RSS (\d+) MiB")]
    private static partial Regex Resident { get; }

    [GeneratedRegex(@"^([NT]{2},\d+,\d+,\d+) ([\d.]+)\r?$", RegexOptions.Multiline)]
    private static partial Regex Rate { get; }

    /// <summary>The command's entry.</summary>
    public static int Run(Options o)
    {
        if (o.Configs.FirstOrDefault(c => !StepBench.Sizes.ContainsKey(c)) is { } unknown)
            return StepBench.Fail($"peers: there is no configuration '{unknown}'; choose {string.Join(", ", StepBench.Sizes.Keys)}.");
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var engines = Engines(o).ToList();
        var present = engines.Where(e => e.Command.Length > 0 && Measure(e, "gpt", "S", 1, o.Narrow) is not null).ToList();
        foreach (var engine in engines.Except(present)) Console.WriteLine($"{engine.Name} is left out: it does not start. {engine.Remedy}");
        Console.WriteLine($"{DateTime.Today:yyyy-MM-dd}, {Processor()}, {Environment.ProcessorCount} cores, {o.Rounds} processes each, "
            + $"one after the other{(o.Narrow ? ", vectors of 256 bits" : "")}");
        if (o.Products) return PrintProducts(present, o);
        Console.WriteLine($"| | {string.Join(" | ", present.Select(e => $"{e.Name} tokens/s (RSS)"))} | Mayfly over the better |");
        Console.WriteLine($"|---|{string.Concat(present.Select(_ => "---|"))}---|");
        foreach (string model in o.Models)
            foreach (string config in o.Configs) Console.WriteLine(Row(present, model, config, o));
        return 0;
    }

    private static IEnumerable<Engine> Engines(Options o)
    {
        string own = Environment.ProcessPath!, assembly = typeof(PeersBench).Assembly.Location;
        string python = o.Prefix + Path.Combine(AppContext.BaseDirectory, "peers", "torch_peer.py");
        yield return new("Mayfly", Path.GetFileNameWithoutExtension(own) == "dotnet" ? $"{own} {assembly}" : own, "");
        yield return new("PyTorch", $"{o.Python} {python}",
            "Install PyTorch (Debian 13: python3-torch) or give --python the command of a Python that has it.");
        yield return new("TorchSharp", o.TorchSharp,
            "Build benches/peers/TorchSharp and give --torchsharp the command that starts it; it needs glibc 2.38 or later.");
    }

    private static int PrintProducts(List<Engine> engines, Options o)
    {
        var runs = engines.ToDictionary(e => e, _ => new Dictionary<string, double>());
        for (int round = 0; round < o.Rounds; round++)
            foreach (var engine in engines)
                foreach (var (product, rate) in Rates(engine, o.Narrow))
                    runs[engine][product] = Math.Max(runs[engine].GetValueOrDefault(product), rate);
        Console.WriteLine($"| form, M, N, K | {string.Join(" | ", engines.Select(e => $"{e.Name} GFLOP/s"))} | Mayfly over the better |");
        Console.WriteLine($"|---|{string.Concat(engines.Select(_ => "---|"))}---|");
        List<double> ratios = [];
        foreach (string product in GemmBench.Products)
        {
            double[] rates = [.. engines.Select(e => runs[e].GetValueOrDefault(product, double.NaN))];
            ratios.Add(rates[0] / rates.Skip(1).DefaultIfEmpty(double.NaN).Max());
            Console.WriteLine($"| {product} | {string.Join(" | ", rates.Select(r => $"{r:F0}"))} | {ratios[^1]:F2} |");
        }

        Console.WriteLine($"geometric mean {Math.Exp(ratios.Average(Math.Log)):F3}, least {ratios.Min():F2}");
        return 0;
    }

    private static IEnumerable<(string Product, double Rate)> Rates(Engine engine, bool narrow) =>
        Rate.Matches(Output($"{engine.Command} gemm {string.Join(' ', GemmBench.Products)}", narrow))
            .Select(line => (line.Groups[1].Value, Number(line.Groups[2])));

    private static string Row(List<Engine> engines, string model, string config, Options o)
    {
        int steps = Math.Max(3, o.Steps * 64 * 12 / (StepBench.Sizes[config].Width * StepBench.Sizes[config].Layers * 3 / 2));
        var runs = engines.ToDictionary(e => e, _ => new List<Figures>());
        for (int round = 0; round < o.Rounds; round++)
            foreach (var engine in engines)
                if (Measure(engine, model, config, steps, o.Narrow) is { } figures) runs[engine].Add(figures);
        var medians = engines.Select(e => Median(runs[e])).ToList();
        double better = medians.Skip(1).DefaultIfEmpty(double.NaN).Max();
        return $"| {model} {config} | {string.Join(" | ", engines.Select(e => Text(runs[e])))} | {medians[0] / better:F2} |";
    }

    private static string Text(List<Figures> runs) => runs.Count == 0 ? "failed"
        : $"{Median(runs):N0} [{runs.Min(r => r.TokensPerSecond):N0} to {runs.Max(r => r.TokensPerSecond):N0}] "
            + $"({runs.Max(r => r.Mebibytes):N0} MiB)";

    private static double Median(List<Figures> runs) =>
        runs.Count == 0 ? double.NaN : runs.Select(r => r.TokensPerSecond).Order().ElementAt(runs.Count / 2);

    /// <summary>Null where the engine does not run.</summary>
    private static Figures? Measure(Engine engine, string model, string config, int steps, bool narrow)
    {
        string sizes = engine.Name == "Mayfly" ? $"--model {model} --config {config} --steps {steps}" : $"{model} {config} {steps}";
        string output = Output($"{engine.Command} step {sizes}", narrow);
        var (tokens, resident) = (Tokens.Match(output), Resident.Match(output));
        return tokens.Success && resident.Success ? new(Number(tokens.Groups[1]), Number(resident.Groups[1])) : null;
    }

    /// <summary>What a command prints; nothing where it cannot be started.</summary>
    internal static string Output(string command, bool narrow)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (narrow)
            foreach (var (name, value) in Narrowing) start.Environment[name] = value;
        try
        {
            using var process = Process.Start(start)!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            return process.StandardOutput.ReadToEnd();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }

    private static readonly (string Name, string Value)[] Narrowing =
        [("DOTNET_EnableAVX512", "0"), ("ATEN_CPU_CAPABILITY", "avx2"), ("MKL_ENABLE_INSTRUCTIONS", "AVX2"),
            ("OPENBLAS_CORETYPE", "Haswell"), ("ONEDNN_MAX_CPU_ISA", "AVX2")];

    private static double Number(Group group) => double.Parse(group.Value);

    private static string Processor() => !File.Exists("/proc/cpuinfo") ? "unknown processor"
        : File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            ?? "unknown processor";
}
