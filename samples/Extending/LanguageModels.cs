using Mayfly;

namespace Extending;

/// <summary>Models and a tokenizer of this folder: trained, saved, loaded, fine-tuned by low-rank changes, and asked to go on.</summary>
public static class LanguageModels
{
    private const string Text = "one two three four five six seven eight nine ten eleven twelve ";

    /// <summary>Makes the kinds of this folder known to <see cref="Snapshot"/>.</summary>
    public static void Register()
    {
        ModelConfig.Register("parallel", new ParallelConfig { VocabularySize = 1 });
        ModelConfig.Register("trigrams", new TrigramConfig { VocabularySize = 1 });
        Tokenizer.Register(WordTokenizer.Name, WordTokenizer.Read);
    }

    /// <summary>
    /// Trains both kinds of models to count, by way of a snapshot in <paramref name="folder"/>, and lets them count; the decoder then
    /// learns to count backwards.
    /// </summary>
    public static void Run(TextWriter output, string folder)
    {
        Register();
        var tokenizer = new WordTokenizer(Text.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        ModelConfig[] configs =
        [
            new ParallelConfig { VocabularySize = tokenizer.VocabularySize, Context = 12, Layers = 2, Heads = 2, Width = 32 },
            new TrigramConfig { VocabularySize = tokenizer.VocabularySize, Context = 12, Width = 32 },
        ];
        foreach (var config in configs)
        {
            using var device = Device.CreateCpu();
            using (var model = config.Create(device)) Train(model, tokenizer, folder);
            using var snapshot = Snapshot.Open(folder);
            using var loaded = snapshot.Configuration<ModelConfig>().Create(device);
            snapshot.Restore(loaded.Parameters());
            output.WriteLine($"{config.GetType().Name}: two three {Continue(loaded, snapshot.Tokenizer!, "two three", 4)}");
            if (loaded is not Decoder) continue;
            FineTune(loaded, snapshot.Tokenizer!);
            output.WriteLine($"backwards: five four {Continue(loaded, snapshot.Tokenizer!, "five four", 3)}");
        }
    }

    /// <summary>Teaches a model what follows each word of the text and saves it.</summary>
    public static void Train(LanguageModel model, Tokenizer tokenizer, string folder)
    {
        Learn(model, tokenizer.Encode(Text), steps: 60);
        Snapshot.Save(folder, model.Parameters(), null, 60, model.Config, tokenizer);
    }

    /// <summary>Teaches a trained model to count backwards by low-rank changes of its linear layers; all else stays as it is.</summary>
    public static void FineTune(LanguageModel model, Tokenizer tokenizer)
    {
        model.Freeze();
        var source = new ParameterSource(model.Device, seed: 2);
        model.Replace("blocks.*.mlp.*", layer => new Lora(source, (Linear)layer, rank: 4));
        Learn(model, [.. tokenizer.Encode(Text).Reverse()], steps: 150);
    }

    /// <summary>The most probable words after a prompt.</summary>
    public static string Continue(LanguageModel model, Tokenizer tokenizer, string prompt, int count) =>
        tokenizer.Decode([.. model.Generate(tokenizer.Encode(prompt), count, new Sampling { Temperature = 0 })]);

    private static void Learn(LanguageModel model, int[] ids, int steps)
    {
        using var scope = model.Device.Scope("learn");
        Tensor inputs = Tensor.From<int>(ids.AsSpan(..^1), (1, ids.Length - 1), model.Device); // (1, T)
        Tensor targets = Tensor.From<int>(ids.AsSpan(1..), (1, ids.Length - 1), model.Device); // (1, T)
        var trained = model.Parameters().Where(p => p.Trainable).ToList();
        using var updater = new Updater(trained, Route.Default(new AdamW()), new UpdaterOptions { Schedule = 0.02 });
        for (int step = 0; step < steps; step++) updater.Step(() => model.Loss(inputs, targets));
    }
}
