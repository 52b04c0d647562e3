using System.Diagnostics;

namespace Mayfly.Tests;

/// <summary>
/// Many steps of changing shapes, with dropout, checkpoints, accumulation and an exception at each 500th: what is live between steps stays
/// the same, and neither managed memory, nor handles, nor threads grow.
/// </summary>
internal static class Soak
{
    /// <summary>Exceptions come every so many steps; the table has so many rows.</summary>
    private const int Every = 500, Rows = 8;

    /// <summary>What a process holds.</summary>
    private readonly record struct Holdings(long Live, long Reserved, long ManagedKiB, long ResidentKiB, int Handles, int Threads);

    /// <summary>Makes the steps; what other work of the process holds is judged only where there is none.</summary>
    public static string Run(int steps, TextWriter output, bool isAlone = true)
    {
        using var device = Device.CreateCpu(threads: 2);
        var shape = new GptConfig { VocabularySize = 31, Context = 24, Layers = 2, Heads = 2, Width = 16, Dropout = 0.1f };
        using var model = new Gpt(shape, device, seed: 1);
        var options = new UpdaterOptions { Schedule = 1e-3, MaxNorm = 1, ClipMode = ClipMode.TwoPass };
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()), options);
        List<Holdings> held = [];
        int thrown = 0;
        for (int step = 1; step <= steps; step++)
        {
            if (!TryStep(model, updater, step)) thrown++;
            if (step % Math.Max(1, steps / Rows) != 0) continue;
            held.Add(Measure(device));
            output.WriteLine($"step {step}: {held[^1]}");
        }

        Judge(held, updater, isAlone);
        Assert.Equal(steps / Every, thrown);
        return $"{steps} steps, {thrown} exceptions: nothing grew";
    }

    /// <summary>A step whose shapes follow from its number; false where it threw, as each 500th does in the middle of its loss.</summary>
    private static bool TryStep(Gpt model, Updater updater, int step)
    {
        var random = new Random(step);
        int batch = random.Next(1, 7), time = random.Next(1, 25), parts = random.Next(1, 4);
        int[] ids = [.. Enumerable.Range(0, batch * time).Select(_ => random.Next(31))];
        try
        {
            updater.Step(parts, part =>
            {
                using var x = Tensor.From<int>(ids, (batch, time), model.Device);
                var loss = model.Loss(x, x, batch * time * parts);
                return step % Every == 0 && part == parts - 1 ? throw new FormatException() : loss;
            });
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static Holdings Measure(Device device)
    {
        long managed = GC.GetTotalMemory(forceFullCollection: true);
        using var process = Process.GetCurrentProcess();
        var report = device.Arena.Report;
        return new(report.LiveBytes, report.ReservedBytes, managed >> 10, process.WorkingSet64 >> 10, process.HandleCount,
            process.Threads.Count);
    }

    /// <summary>The first quarter of the run is for what is made once.</summary>
    private static void Judge(List<Holdings> held, Updater updater, bool isAlone)
    {
        Holdings early = held[held.Count / 4], late = held[^1];
        Assert.Equal(updater.Assignments.Sum(a => a.Parameter.Value.Bytes) + updater.StateBytes, late.Live);
        Assert.Equal(early.Live, late.Live);
        if (!isAlone) return;
        Assert.True(late.ManagedKiB <= early.ManagedKiB + 64, $"managed memory grew from {early.ManagedKiB} to {late.ManagedKiB} KiB");
        Assert.True(late.Handles <= early.Handles + 4, $"handles grew from {early.Handles} to {late.Handles}");
        Assert.True(late.Threads <= early.Threads + 2, $"threads grew from {early.Threads} to {late.Threads}");
    }
}
