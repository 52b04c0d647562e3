using System.Reflection;
using Extending;
using Mayfly;

namespace Outside;

/// <summary>
/// The program of a project whose only reference is the package: it runs the parts of samples/Extending, and trains with copies of the
/// package's own rules and modules, which stand in this namespace and see the public API alone.
/// </summary>
public static class Stranger
{
    private static readonly int[] ids = [3, 1, 4, 1, 5, 6, 2, 6, 5, 3, 5, 0, 2, 4, 6, 1];

    public static void Main()
    {
        Extending.Program.Run(Console.Out);
        var (first, last) = (Train(new ParallelConfig { VocabularySize = 7 }, new Spectral { Fallback = new AdamW() }, 1),
            Train(new ParallelConfig { VocabularySize = 7 }, new Spectral { Fallback = new AdamW() }, 30));
        Console.WriteLine($"Spectral: {(last.Loss < 0.7 * first.Loss ? "learns" : $"from {first.Loss} to {last.Loss}")}");
        foreach (var type in Recipes.Names.Select(name => Recipes.Get(name).GetType()).Distinct())
            Compare(type.Name, Forms(typeof(Stranger).Assembly.GetType($"Outside.{type.Name}")!), Forms(type));
        Compare("Chain", [new Chain(new ClipValue(0.01), new ClipNorm(0.1), new NormGrowthCap(), new Sgd())],
            [new Mayfly.Chain(new Mayfly.ClipValue(0.01), new Mayfly.ClipNorm(0.1), new Mayfly.NormGrowthCap(), new Mayfly.Sgd())]);
    }

    /// <summary>A rule as it is by default and in its published forms.</summary>
    private static Rule[] Forms(Type type) =>
    [
        (Rule)Activator.CreateInstance(type)!,
        .. type.GetProperties(BindingFlags.Public | BindingFlags.Static).Where(p => p.PropertyType == type)
            .Select(p => (Rule)p.GetValue(null)!),
    ];

    private static void Compare(string name, Rule[] copies, Rule[] own)
    {
        bool isEqual = copies.Length == own.Length;
        foreach (var (copy, rule) in copies.Zip(own))
        {
            isEqual &= Train(Small(new GptConfig { VocabularySize = 7 }), copy, 3)
                .Weights.SequenceEqual(Train(Small(new Mayfly.GptConfig { VocabularySize = 7 }), rule, 3).Weights);
            isEqual &= Train(Small(new LlamaConfig { VocabularySize = 7 }), copy, 3)
                .Weights.SequenceEqual(Train(Small(new Mayfly.LlamaConfig { VocabularySize = 7 }), rule, 3).Weights);
            isEqual &= !Train(Small(new GptConfig { VocabularySize = 7 }), copy, 0)
                .Weights.SequenceEqual(Train(Small(new GptConfig { VocabularySize = 7 }), copy, 3).Weights);
        }

        Console.WriteLine($"{name}: {own.Length} forms, {(isEqual ? "equal bits" : "other bits")}");
    }

    private static ModelConfig Small(ModelConfig config) => config with { Context = 8, Layers = 1, Heads = 2, Width = 8 };

    /// <summary>The last loss, and the bits of all weights after some steps.</summary>
    private static (double Loss, int[] Weights) Train(ModelConfig config, Rule rule, int steps)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("train");
        using var model = config.Create(device);
        Tensor inputs = Tensor.From<int>(ids, (2, 8), device), targets = Tensor.From<int>([.. ids.Reverse()], (2, 8), device); // (B, T)
        using var updater = new Updater(model.Parameters(), Route.For(rule), new UpdaterOptions { Schedule = rule.LearningRate });
        double loss = 0;
        for (int step = 0; step < steps; step++) loss = updater.Step(() => model.Loss(inputs, targets)).Loss;
        return (loss, [.. model.Parameters().SelectMany(p => p.Value.ToArray()).Select(BitConverter.SingleToInt32Bits)]);
    }
}
