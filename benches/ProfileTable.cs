namespace Mayfly.Benches;

/// <summary>A step's time by kernel, each beside the least time that the machine's limits allow for it.</summary>
internal static class ProfileTable
{
    /// <summary>Kernels of a smaller share of the step are shown together.</summary>
    private const double Small = 0.005;

    private static readonly (string Family, Func<string, bool> Has)[] families =
    [
        ("matrix products", name => Begins(name, "Gemm")),
        ("attention", name => Begins(name, "Attend") || Begins(name, "Rotate")),
        ("cross-entropy", name => Begins(name, "CrossEntropy")),
        ("norms", name => Begins(name, "Row") || Begins(name, "Column")),
        ("optimizer", name => Begins(name, "Update") || Begins(name, "Sum") || Begins(name, "Compute")),
        ("other kernels", _ => true),
    ];

    /// <summary>Prints the table.</summary>
    /// <param name="calls">All calls of the steps.</param>
    /// <param name="steps">How many steps they are of.</param>
    /// <param name="seconds">The steps' time.</param>
    /// <param name="limits">The machine's limits.</param>
    public static void Print(IReadOnlyList<MeteredCall> calls, int steps, double seconds, Limits limits)
    {
        Console.WriteLine(
            $"limits in this run: {limits.Gigaflops:F0} GFLOP/s, memory {limits.Memory:F1} GB/s, cache {limits.Cache:F0} GB/s");
        Console.WriteLine();
        Console.WriteLine("| kernel | calls | ms | of the step | GFLOP/s | GB/s | of the limit | ms above the limit |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        Line Of(string name, IEnumerable<MeteredCall> its) => Line.Sum(name, its, steps, seconds / steps, limits);
        var kinds = calls.GroupBy(c => c.Cost.Name).Select(g => Of(g.Key, g)).OrderByDescending(l => l.Excess)
            .ToLookup(l => l.Share < Small);
        foreach (var line in kinds[false]) Console.WriteLine(line);
        var small = kinds[true].Select(l => l.Name).ToHashSet();
        Console.WriteLine(Of($"{small.Count} others", calls.Where(c => small.Contains(c.Cost.Name))));
        Console.WriteLine("| **together** | | | | | | | |");
        foreach (var family in calls.GroupBy(c => families.First(f => f.Has(c.Cost.Name)).Family))
            Console.WriteLine(Of(family.Key, family));
        Console.WriteLine(Of("all kernels", calls));
        double gaps = (seconds - calls.Sum(c => c.Seconds)) / steps;
        Console.WriteLine($"| gaps | | {gaps * 1e3:F3} | {gaps * steps / seconds:P1} | | | | {gaps * 1e3:F3} |");
    }

    private static bool Begins(string name, string kernel) => name.StartsWith(kernel, StringComparison.Ordinal);

    /// <summary>Calls added up: figures of one step.</summary>
    private sealed record Line(string Name, double Calls, double Seconds, double Share, double Least, double Flops, double Bytes)
    {
        public double Excess => Seconds - Least;

        public static Line Sum(string name, IEnumerable<MeteredCall> calls, int steps, double step, Limits limits)
        {
            var all = calls.ToList();
            double seconds = all.Sum(c => c.Seconds) / steps;
            return new(name, (double)all.Count / steps, seconds, seconds / step, all.Sum(c => limits.Seconds(c.Cost)) / steps,
                all.Sum(c => c.Cost.Flops) / steps, all.Sum(c => c.Cost.Bytes) / steps);
        }

        public override string ToString() => $"| {Name} | {Calls:0.#} | {Seconds * 1e3:F3} | {Share:P1} | {Rate(Flops)} | {Rate(Bytes)} "
            + $"| {Least / Seconds:P0} | {Excess * 1e3:F3} |";

        private string Rate(double work) => work > 0 ? $"{work / Seconds * 1e-9:F1}" : "";
    }
}
