using System.Diagnostics;
using System.Globalization;

namespace Mayfly.Benches;

/// <summary>
/// Steps of a large model on one batch of bytes of a text, eagerly and with every block run again: the loss and the seconds of each step,
/// and the resident memory of the process beside the bytes of the weights.
/// </summary>
internal sealed record LargeBench
{
    /// <summary>A published model.</summary>
    public required string Model { get; init; }

    /// <summary>A text, of whose first bytes the batch is.</summary>
    public required string Data { get; init; }

    /// <summary>A recipe.</summary>
    public required string Rule { get; init; }

    /// <summary>The type of the weights.</summary>
    public DType Weights { get; init; }

    /// <summary>The type of the states.</summary>
    public DType States { get; init; }

    /// <summary>The learning rate; null takes the recipe's.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Tokens of the sequence.</summary>
    public int Context { get; init; } = 64;

    /// <summary>Ids of the model; null takes the published model's.</summary>
    public int? Vocabulary { get; init; }

    /// <summary>The most bytes of the process, with weights and state in a working file; null keeps them in memory.</summary>
    public double? ResidentGiB { get; init; }

    /// <summary>The folder of the working file.</summary>
    public string Folder { get; init; } = ".";

    /// <summary>Steps.</summary>
    public int Steps { get; init; } = 5;

    /// <summary>What the process has beside tensors.</summary>
    private const long RuntimeBytes = 88L << 20;

    /// <summary>The command's entry.</summary>
    public int Run()
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        long start = Stopwatch.GetTimestamp();
        using var device = Device.CreateCpu();
        if (ResidentGiB is { } most) device.Stream(Path.Combine(Folder, "bench.stream"), (long)(most * (1 << 30)) - RuntimeBytes);
        else Rehearsal.Of(device, Rehearse);
        using var model = Shape.Create(device);
        using var updater = NewUpdater(model);
        long weights = model.Parameters().Sum(p => p.Value.Bytes);
        Console.WriteLine($"{Model}: {model.ParameterCount:N0} weights of {weights:N0} bytes in {Weights}, {updater.StateBytes:N0} bytes "
            + $"of {Rule}'s state; made in {Seconds(ref start):F0} s, at most {StepBench.PeakResidentBytes():N0} bytes resident");
        double[] losses = [.. Enumerable.Range(1, Steps).Select(step => Step(model, updater, ref start))];
        long resident = StepBench.PeakResidentBytes();
        Console.WriteLine($"blocks {device.Arena.Report.TouchedBytes:N0} bytes, resident at most {resident:N0}: "
            + $"{resident / (double)weights:F3} of the weights");
        bool falls = losses.Zip(losses.Skip(1)).All(pair => pair.Second < pair.First);
        Console.WriteLine(falls ? "the loss fell at every step" : "the loss did NOT fall at every step");
        return falls ? 0 : 1;
    }

    private ModelConfig Shape
    {
        get
        {
            var shape = ModelConfig.Named(Model) with { Context = Context, Weights = Weights, CheckpointBlocks = true };
            return Vocabulary is { } size ? shape with { VocabularySize = size } : shape;
        }
    }

    private Updater NewUpdater(LanguageModel model) => new(model.Parameters(), Route.For(Recipes.Get(Rule), UpdateMode.Eager),
        new UpdaterOptions { Seed = 1, Schedule = LearningRate is { } rate ? new Constant(rate) : null, StateType = States });

    private void Rehearse(Device device)
    {
        using var model = Shape.Create(device);
        using var updater = NewUpdater(model);
        for (int i = 0; i < 2; i++) Loss(model, updater);
    }

    private double Step(LanguageModel model, Updater updater, ref long start)
    {
        var report = Loss(model, updater);
        Console.WriteLine($"step {report.Step}: loss {report.Loss:F4}, {Seconds(ref start):F1} s, live at most {report.PeakBytes:N0} "
            + $"bytes, resident at most {StepBench.PeakResidentBytes():N0}{Streamed(model.Device)}");
        return report.Loss;
    }

    private StepReport Loss(LanguageModel model, Updater updater)
    {
        int[] bytes = [.. Bytes().Select(b => (int)b)];
        return updater.Step(() => model.Loss(Ids(0), Ids(1)));

        Tensor Ids(int first) => Tensor.From<int>(bytes.AsSpan(first, Context), (1, Context), model.Device);
    }

    private static string Streamed(Device device) => device.Residency is { } r
        ? $"; {r.StreamedBytes:N0} bytes in the file, so far {r.ReadBytes:N0} read and {r.WrittenBytes:N0} written" : "";

    private byte[] Bytes()
    {
        var bytes = new byte[Context + 1];
        using var file = File.OpenRead(Data);
        file.ReadExactly(bytes);
        return bytes;
    }

    private static double Seconds(ref long start)
    {
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        return seconds;
    }
}
