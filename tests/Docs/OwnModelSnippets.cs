namespace Mayfly.Tests;

/// <summary>The code that docs/own-models.md quotes.</summary>
public sealed class OwnModelSnippets : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Sorts texts of any length into classes.</summary>
    private sealed class TextClassifier : Module
    {
        private readonly Embedding tokens;
        private readonly ModuleList<EncoderBlock> blocks;
        private readonly Linear head;

        public TextClassifier(int vocabulary, int classes, int width = 16)
        {
            var source = new ParameterSource();
            tokens = Add("tokens", new Embedding(source, vocabulary, width));
            blocks = Add("blocks", new ModuleList<EncoderBlock>(new EncoderBlock(source, width, heads: 2)));
            head = Add("head", new Linear(source, width, classes, role: Role.Head));
        }

        /// <summary>ids I32 (B, T), lengths I32 (B) -> (B, classes).</summary>
        public Tensor Call(Tensor ids, Tensor lengths)
        {
            using var scope = Open(ids);
            var h = tokens.Call(ids); // (B, T, C)
            foreach (var block in blocks) h = block.Call(h, new AttentionMask { Lengths = lengths });
            return scope.Return(head.Call(h.Slice(1, 0, 1).Squeeze(1))); // what the first token has gathered
        }
    }

    [Fact]
    public void Own_data_become_predictions()
    {
        string path = folder.File("classifier.safetensors");
        (string Text, int Label)[] data = Data(1, 400), validation = Data(2, 100);
        var tokenizer = new ByteTokenizer();
        using var model = new TextClassifier(vocabulary: 256, classes: 2);
        using var updater = new Updater(
            model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Schedule = new OneCycle(0.01, 30, 150) });
        var samples = new Samples<(string Text, int Label)>(data, batch: 20, seed: 1);
        var stopping = new EarlyStopping(patience: 5);
        foreach (var (ids, lengths, labels) in samples.Stream(Collate, first: updater.GlobalStep, count: 150))
        {
            var report = updater.Step(() => model.Call(ids, lengths).CrossEntropy(labels, smoothing: 0.05));
            if (report.Step % samples.PerEpoch != 0) continue;
            if (stopping.Note(report.Step, Loss(model, Collate(validation)))) model.Save(path); // the best so far
            if (stopping.Stops) break;
        }

        using var best = new TextClassifier(vocabulary: 256, classes: 2);
        best.Load(path);
        var (unseen, sizes, right) = Collate(validation);
        double accuracy = Metrics.Accuracy(best.Call(unseen, sizes), right);
        Assert.InRange(accuracy, 0.9, 1);

        (Tensor Ids, Tensor Lengths, Tensor Labels) Collate(IReadOnlyList<(string Text, int Label)> batch)
        {
            var (ids, lengths) = Padding.Of([.. batch.Select(sample => tokenizer.Encode(sample.Text))]);
            return (ids, lengths, Tensor.From<int>([.. batch.Select(sample => sample.Label)], batch.Count));
        }

        static double Loss(TextClassifier model, (Tensor Ids, Tensor Lengths, Tensor Labels) all) =>
            model.Call(all.Ids, all.Lengths).CrossEntropy(all.Labels).Item();
    }

    [Fact]
    public void The_loop_may_be_left_to_others()
    {
        var tokenizer = new ByteTokenizer();
        using var model = new TextClassifier(vocabulary: 256, classes: 2);
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Schedule = 0.01 });
        var samples = new Samples<(string Text, int Label)>(Data(1, 100), batch: 20, seed: 1);
        var losses = new List<double>();
        updater.Fit(samples.Stream(Collate, count: 50), batch => model.Call(batch.Ids, batch.Lengths).CrossEntropy(batch.Labels), report =>
        {
            losses.Add(report.Loss);
            return report.Loss > 0.05; // whether to go on
        });
        Assert.True(losses[^1] < losses[0], $"{losses[0]} to {losses[^1]}");
        var (ids, lengths, labels) = Collate(samples.Read(0));
        var parts = model.Parameters().ToLookup(p => p.Name.StartsWith("head", StringComparison.Ordinal));
        using Updater reader = new([.. parts[false]], Route.Default(new AdamW())), judge = new([.. parts[true]], Route.Default(new Sgd()));
        var both = new UpdaterGroup(reader, judge);
        IReadOnlyList<StepReport> reports = both.Step(() => model.Call(ids, lengths).CrossEntropy(labels));
        Assert.Equal([1, 1], reports.Select(report => report.Step));

        (Tensor Ids, Tensor Lengths, Tensor Labels) Collate(IReadOnlyList<(string Text, int Label)> batch)
        {
            var (ids, lengths) = Padding.Of([.. batch.Select(sample => tokenizer.Encode(sample.Text))]);
            return (ids, lengths, Tensor.From<int>([.. batch.Select(sample => sample.Label)], batch.Count));
        }
    }

    /// <summary>Words of x and y; the label says whether there is a z among them.</summary>
    private static (string Text, int Label)[] Data(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            char[] letters = [.. Enumerable.Range(0, random.Next(3, 9)).Select(_ => random.Next(2) == 0 ? 'x' : 'y')];
            int label = random.Next(2);
            if (label == 1) letters[random.Next(1, letters.Length)] = 'z';
            return (new string(letters), label);
        })];
    }
}
