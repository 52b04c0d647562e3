using System.Diagnostics;
using System.Globalization;

namespace TrainGpt;

/// <summary>One training to compare: which model, which optimizer and how its gradients wait.</summary>
internal sealed record DeviceCase(string Model, string Optimizer, string Mode);

/// <summary>Trains small models on a device and on the CPU and prints how far their losses are apart.</summary>
internal sealed class DeviceCheck(Device device, int steps, TextWriter output)
{
    private const double Tolerance = 1e-4;
    private static readonly string[] models = ["gpt", "llama"], modes = ["eager", "deferred", "clipped", "checkpointed"];

    // lanes that are threads of the host train the least
    private readonly bool isSmall = device.Name.StartsWith("ilgpu-cpu", StringComparison.Ordinal);

    /// <summary>Each model and each optimizer once.</summary>
    public static IEnumerable<DeviceCase> Quick =>
        Recipes.Names.Select((optimizer, i) => new DeviceCase(models[i % 2], optimizer, modes[i % modes.Length]));

    /// <summary>Every model with every optimizer in every mode.</summary>
    public static IEnumerable<DeviceCase> All => from model in models from optimizer in Recipes.Names from mode in modes
                                                 select new DeviceCase(model, optimizer, mode);

    /// <summary>The largest difference of two losses so far, relative to them.</summary>
    public double Worst { get; private set; }

    /// <summary>The trainings compared so far.</summary>
    public int Count { get; private set; }

    private int Context => isSmall ? 8 : 64;

    private int Batch => isSmall ? 1 : 4;

    private int Vocabulary => isSmall ? 17 : 96;

    /// <summary>Prints a table, as far as time allows.</summary>
    /// <returns>True where all losses agree and come out the same again.</returns>
    public bool Run(IEnumerable<DeviceCase> cases, TimeSpan limit)
    {
        output.WriteLine($"{device.Name}, {steps} steps each beside the CPU");
        output.WriteLine($"{"model",-6} {"optimizer",-12} {"mode",-13} {"loss",18} {"difference",11} {"again",6} {"seconds",8}");
        var clock = Stopwatch.StartNew();
        bool agrees = true;
        foreach (var one in cases)
            if (clock.Elapsed < limit) agrees &= Compare(one);
            else output.WriteLine($"{one.Model,-6} {one.Optimizer,-12} {one.Mode,-13} left out: the time is over");
        return agrees;
    }

    private bool Compare(DeviceCase one)
    {
        double[] expected = Losses(one, Device.Cpu);
        var clock = Stopwatch.StartNew();
        double[] found = Losses(one, device), again = Losses(one, device);
        double difference = expected.Zip(found, (x, y) => Math.Abs(x - y) / Math.Abs(x)).Max();
        bool same = found.SequenceEqual(again);
        Worst = Math.Max(Worst, difference);
        Count++;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{one.Model,-6} {one.Optimizer,-12} {one.Mode,-13} {found[0],8:F4}->{found[^1],8:F4} {difference,11:E1} ")
            + string.Create(CultureInfo.InvariantCulture, $"{(same ? "same" : "OTHER"),6} {clock.Elapsed.TotalSeconds,8:F1}"));
        return difference <= Tolerance && same;
    }

    private double[] Losses(DeviceCase one, Device on)
    {
        using var model = Shape(one).Create(on, seed: 3);
        var rule = Recipes.Get(one.Optimizer);
        var mode = one.Mode == "eager" ? UpdateMode.Eager : UpdateMode.Deferred;
        using var updater = new Updater(model.Parameters(), Route.For(rule, mode),
            new UpdaterOptions { Schedule = rule.LearningRate, Seed = 5, MaxNorm = one.Mode == "clipped" ? 0.5 : null });
        return [.. Enumerable.Range(0, steps).Select(step =>
        {
            using Tensor ids = Ids(on, step), targets = Ids(on, step + 1);
            return updater.Step(() => model.Loss(ids, targets)).Loss;
        })];
    }

    private ModelConfig Shape(DeviceCase one)
    {
        ModelConfig start = one.Model == "gpt" ? new GptConfig { VocabularySize = Vocabulary, Dropout = 0.1f }
            : new LlamaConfig { VocabularySize = Vocabulary, KvHeads = isSmall ? 1 : 2 };
        return start with
        {
            Context = Context, Width = isSmall ? 8 : 64, Heads = isSmall ? 2 : 4, Layers = isSmall ? 1 : 2,
            CheckpointBlocks = one.Mode == "checkpointed",
        };
    }

    /// <summary>Tokens in a fixed disorder.</summary>
    private Tensor Ids(Device on, int from) => Tensor.From<int>(
        [.. Enumerable.Range(from, Batch * Context).Select(i => i * 7919 % 101 * 31 % Vocabulary)], (Batch, Context), on);
}
