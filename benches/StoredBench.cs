using System.Diagnostics;
using System.Globalization;

namespace Mayfly.Benches;

/// <summary>
/// Trains the same model with weights, states and gradients stored in several types: nanoGPT's settings for a CPU (4 layers, 4 heads,
/// width 128, context 64, batch 12, AdamW), on a text of the user's. Prints the validation loss on fixed windows beside that of floats,
/// and the bytes. Ends with an error where a loss is further above it than <see cref="Bound"/>.
/// </summary>
internal static class StoredBench
{
    /// <summary>How far above the loss of floats one may be, in nats.</summary>
    private const double Bound = 0.02;

    private const int Context = 64, Batch = 12, ValidationBatches = 64;

    private sealed record Line(string Name, DType Weights = DType.F32, DType Others = DType.F32, bool Masters = false);

    private sealed record Result(double Loss, long Weights, long State, long Gradients, double Seconds);

    private static readonly Line[] Lines =
    [
        new("f32"),
        new("bf16 weights", DType.BF16),
        new("bf16 weights, state, gradients", DType.BF16, DType.BF16),
        new("bf16 weights with f32 masters", DType.BF16, Masters: true),
        new("int8 weights", DType.Int8),
        new("int8 weights, bf16 state, gradients", DType.Int8, DType.BF16),
    ];

    /// <summary>The command's entry.</summary>
    /// <param name="file">The text.</param>
    /// <param name="steps">Steps of each run.</param>
    public static int Run(string file, int steps)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        if (!File.Exists(file))
        {
            Console.Error.WriteLine($"stored: there is no file {file}; give a text by --data FILE.");
            return 2;
        }

        string text = File.ReadAllText(file);
        var tokenizer = new CharTokenizer(text);
        var data = new TokenStream(tokenizer.Encode(text), file);
        Console.WriteLine("| stored as | validation loss | above f32 | weights | state | gradients | time of f32 |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        Result? floats = null;
        bool good = true;
        foreach (var line in Lines)
        {
            var result = Train(line, data, tokenizer.VocabularySize, steps);
            floats ??= result;
            good &= result.Loss - floats.Loss <= Bound;
            Console.WriteLine($"| {line.Name} | {result.Loss:F4} | {result.Loss - floats.Loss:F4} | {result.Weights:N0} | "
                + $"{result.State:N0} | {result.Gradients:N0} | {result.Seconds / floats.Seconds:F2} |");
        }

        Console.WriteLine($"All at most {Bound} nats above f32: {(good ? "yes" : "no")}.");
        return good ? 0 : 1;
    }

    private static Result Train(Line line, TokenStream data, int vocabulary, int steps)
    {
        using var device = Device.CreateCpu();
        using var model = new Gpt(new GptConfig
        {
            VocabularySize = vocabulary, Context = Context, TiedHead = true, Bias = false, Weights = line.Weights,
        }, device);
        using var updater = new Updater(model.Parameters(), Route.Default(AdamW.Plain, UpdateMode.Deferred), new UpdaterOptions
        {
            Seed = 1, MaxNorm = 1, Schedule = new WarmUpCosine(1e-3, 1e-4, 100, steps), StateType = line.Others, GradientType = line.Others,
            MasterWeights = line.Masters,
        });
        var batches = data.TrainBatches(Batch, Context, seed: 1);
        long start = Stopwatch.GetTimestamp();
        for (int step = 1; step <= steps; step++) updater.Step(() => SmallTask.Loss(model, batches, step));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var report = device.Arena.Report;
        return new Result(SmallTask.Validate(model, data.ValidationBatches(Batch, Context, seed: 0), ValidationBatches),
            report.Live(Use.Weight), report.Live(Use.State), report.Peak(Use.Gradient), seconds);
    }
}
