using System.Globalization;

namespace Mayfly.Benches;

/// <summary>
/// What a training step of <see cref="StepBench"/>'s GPTs has to move and compute, counted call by call while the CPU runs it, and the time
/// that this takes at least on two GPUs. Nothing here is measured.
/// </summary>
internal static class RooflineBench
{
    /// <summary>Seconds from one launch to the next: assumed.</summary>
    private const double Launch = 5e-6;

    /// <summary>Kernels of a smaller share of the time are shown together.</summary>
    private const double Small = 0.005;

    private static readonly Card[] cards = [Card.H100, Card.Rtx4090];

    /// <summary>The command's entry.</summary>
    /// <param name="config">S, M, L or L64.</param>
    public static int Run(string config)
    {
        if (!StepBench.Sizes.TryGetValue(config, out var size))
            return StepBench.Fail($"roofline: there is no configuration '{config}'; choose {string.Join(", ", StepBench.Sizes.Keys)}.");
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var calls = Count(size);
        Console.WriteLine($"GPT {config}: V={size.Vocabulary} L={size.Layers} H={size.Heads} D={size.Width} T={size.Context} "
            + $"B={size.Batch}, {size.Batch * size.Context} tokens a step, AdamW");
        Console.WriteLine();
        Print(calls, size.Batch * size.Context);
        return 0;
    }

    /// <summary>The calls of the second step: the first one also clears the optimizer's state.</summary>
    private static List<KernelCost> Count(StepBench.Size size)
    {
        var counting = new CountingBackend(CpuBackends.Create(0, 0));
        using var device = new Device(counting);
        using var model = StepBench.Shape("gpt", size).Create(device, 1);
        var rule = new AdamW { WeightDecay = 0.1 };
        using var updater = new Updater(model.Parameters(), Route.Default(rule), new UpdaterOptions { ReadEvery = int.MaxValue });
        Step();
        counting.Calls.Clear();
        Step();
        return [.. counting.Costs];

        void Step()
        {
            int[] tokens = [.. Enumerable.Range(0, size.Batch * size.Context).Select(i => i * 7 % size.Vocabulary)];
            using var ids = Tensor.From<int>(tokens, (size.Batch, size.Context), device);
            updater.Step(() => model.Loss(ids, ids));
        }
    }

    private static void Print(List<KernelCost> calls, int tokens)
    {
        Console.WriteLine($"| kernel | calls | MB | GFLOP | {string.Join(" | ", cards.Select(c => $"{c.Name}, us"))} |");
        Console.WriteLine($"|---|---|---|---|{string.Concat(cards.Select(_ => "---|"))}");
        double small = Small * Seconds(calls, cards[0]);
        var kinds = calls.GroupBy(c => c.Name).Select(k => (Name: k.Key, Calls: k.ToList()))
            .ToLookup(k => Seconds(k.Calls, cards[0]) < small);
        foreach (var kind in kinds[false].OrderByDescending(k => Seconds(k.Calls, cards[0]))) Print(kind.Name, kind.Calls);
        Print($"{kinds[true].Count()} others", [.. kinds[true].SelectMany(k => k.Calls)]);
        Print("together", calls);
        Console.WriteLine($"| tokens/s at most | | | | {string.Join(" | ", cards.Select(c => $"{tokens / Seconds(calls, c):N0}"))} |");
        Console.WriteLine();
        double launches = calls.Count * Launch * 1e6;
        Console.WriteLine($"{calls.Count} calls, each a launch or more: {launches:N0} us at {Launch * 1e6:F0} us a launch (assumed).");
    }

    private static void Print(string name, List<KernelCost> calls)
    {
        double gigaflops = calls.Sum(c => c.Flops) / 1e9;
        string times = string.Join(" | ", cards.Select(c => $"{Seconds(calls, c) * 1e6:N1}"));
        string flops = gigaflops > 0 ? $"{gigaflops:N3}" : "";
        Console.WriteLine($"| {name} | {calls.Count} | {calls.Sum(c => c.Bytes) / 1e6:N2} | {flops} | {times} |");
    }

    private static double Seconds(List<KernelCost> calls, Card card) => calls.Sum(card.Seconds);
}
