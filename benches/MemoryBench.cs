using System.Globalization;

namespace Mayfly.Benches;

/// <summary>
/// What a step was planned to take on a device that only counts, beside what it takes: the arena's peak, to the byte, and with one case
/// alone the resident memory of the process.
/// </summary>
internal static class MemoryBench
{
    private static readonly string[] Policies = ["none", "all", "sqrt"];

    /// <summary>The command's entry.</summary>
    /// <param name="models">S, M, L64 or names of published models, by commas.</param>
    /// <param name="rules">Names of recipes by commas; empty takes all.</param>
    /// <param name="modes">eager, deferred or both by a comma.</param>
    /// <param name="policies">Checkpoint policies by commas; empty takes none, all and sqrt.</param>
    /// <param name="context">Tokens of a published model's sequence, of which the batch has one.</param>
    public static int Run(string models, string rules, string modes, string policies, int context)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        Case[] cases =
        [
            .. from model in models.Split(',')
               from rule in rules.Length > 0 ? rules.Split(',') : Recipes.Names
               from mode in modes.Split(',')
               from policy in policies.Length > 0 ? policies.Split(',') : Policies
               select new Case(model, rule, Enum.Parse<UpdateMode>(mode, ignoreCase: true), CheckpointPolicy.Parse(policy), context),
        ];
        Console.WriteLine("| model | rule | mode | checkpoints | planned bytes | measured bytes | in blocks | measured | |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        bool[] equal = Array.ConvertAll(cases, Compare);
        Console.WriteLine($"{equal.Count(e => e)} of {cases.Length} as planned, to the byte");
        if (cases is [var only]) Console.WriteLine(Resident(only));
        return Array.TrueForAll(equal, e => e) ? 0 : 1;
    }

    private static bool Compare(Case c)
    {
        // a rule's refresh makes the first step another one than those that follow, of which two are alike before they are planned for
        int steps = Recipes.Get(c.Rule) is GaLore ? 4 : 2;
        using var device = Device.CreateCpu();
        var planned = Planned(c, steps, device);
        var measured = Step(c, device, steps);
        bool isEqual = planned.ToString() == measured.ToString() && planned.PeakBytes == measured.PeakBytes
            && planned.TouchedBytes == measured.TouchedBytes;
        Console.WriteLine($"| {c.Model} | {c.Rule} | {c.Mode} | {c.Policy} | {planned.PeakBytes:N0} | {measured.PeakBytes:N0} | "
            + $"{planned.TouchedBytes:N0} | {measured.TouchedBytes:N0} | {(isEqual ? "same" : "DIFFERENT")} |");
        return isEqual;
    }

    private static MemoryReport Planned(Case c, int steps, Device? device = null)
    {
        MemoryReport? books = null;
        Rehearsal.Of(device, dry => books = Step(c, dry, steps));
        return books!;
    }

    private static string Resident(Case c)
    {
        double planned = Planned(c, 2).TouchedBytes, process = StepBench.PeakResidentBytes();
        return $"resident memory of the process at most {process:N0} bytes, {(process - planned) / (1 << 20):F1} MiB more than its blocks";
    }

    private static MemoryReport Step(Case c, Device device, int steps)
    {
        using var model = c.Shape.Create(device);
        using var updater = new Updater(model.Parameters(), Route.For(Recipes.Get(c.Rule), c.Mode), new UpdaterOptions { Schedule = 1e-4 });
        device.Arena.ResetPeaks();
        for (int i = 0; i < steps; i++) updater.Step(() => model.Loss(Ids(), Ids()));
        return device.Arena.Report;

        Tensor Ids()
        {
            int[] ids = [.. Enumerable.Range(0, c.Batch * c.Shape.Context).Select(i => i * i % 61)]; // not all alike: no gradient is zero
            return Tensor.From<int>(ids, (c.Batch, c.Shape.Context), device);
        }
    }

    private sealed record Case(string Model, string Rule, UpdateMode Mode, CheckpointPolicy Policy, int Context)
    {
        private StepBench.Size? Size => StepBench.Sizes.GetValueOrDefault(Model);

        public int Batch => Size?.Batch ?? 1;

        public ModelConfig Shape => (Size is { } size ? StepBench.Shape("gpt", size) : ModelConfig.Named(Model) with { Context = Context })
            with { CheckpointBlocks = Policy };
    }
}
