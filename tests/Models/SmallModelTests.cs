namespace Mayfly.Tests;

/// <summary>Models of several kinds, written with the public API, learn what they should within seconds.</summary>
public sealed class SmallModelTests
{
    /// <summary>Three arms of a spiral, which no linear model tells apart.</summary>
    [Fact]
    public void A_perceptron_tells_the_arms_of_a_spiral_apart()
    {
        (float X, float Y, int Arm)[] points = [.. Enumerable.Range(0, 300).Select(i =>
        {
            double turn = 0.3 + i / 3 * 0.045, angle = turn + i % 3 * 2 * Math.PI / 3;
            return ((float)(turn / 3 * Math.Cos(angle)), (float)(turn / 3 * Math.Sin(angle)), i % 3);
        })];
        using var model = PointClassifier.New(3);
        using var updater = Train(model, 400, 0.02);
        var stream = new Samples<(float X, float Y, int Arm)>(points, 60).Stream(Collate, count: 400);
        foreach (var (x, arms) in stream) updater.Step(() => model.Call(x).CrossEntropy(arms));
        var all = Collate(points);
        Assert.InRange(Metrics.Accuracy(model.Call(all.X), all.Arms), 0.97, 1);

        static (Tensor X, Tensor Arms) Collate(IReadOnlyList<(float X, float Y, int Arm)> batch) => (
            Tensor.From<float>([.. batch.SelectMany(p => (float[])[p.X, p.Y])], (batch.Count, 2)),
            Tensor.From<int>([.. batch.Select(p => p.Arm)], batch.Count));
    }

    /// <summary>A bar lies, stands, or leans to either side somewhere in a noisy image.</summary>
    [Fact]
    public void A_vision_transformer_sees_how_a_bar_lies()
    {
        using var model = new ImageClassifier(8, 2, 4);
        using var updater = Train(model, 250, 0.01);
        for (int step = 0; step < 250; step++)
        {
            var (x, classes) = Bars(step, 32);
            updater.Step(() => model.Call(x).CrossEntropy(classes, smoothing: 0.05));
        }

        var (unseen, right) = Bars(100_000, 200);
        Assert.InRange(Metrics.Accuracy(model.Call(unseen), right), 0.9, 1);
    }

    private static (Tensor X, Tensor Classes) Bars(int seed, int count)
    {
        var random = new Random(seed);
        var pixels = new float[count * 64];
        int[] classes = [.. Enumerable.Range(0, count).Select(_ => random.Next(4))];
        for (int i = 0; i < count; i++)
        {
            int row = random.Next(5), column = random.Next(5);
            for (int p = 0; p < 64; p++) pixels[i * 64 + p] = 0.3f * random.NextSingle();
            for (int j = 0; j < 4; j++)
                pixels[i * 64 + classes[i] switch
                {
                    0 => row * 8 + column + j,
                    1 => (row + j) * 8 + column,
                    2 => (row + j) * 8 + column + j,
                    _ => (row + j) * 8 + column + 3 - j,
                }] = 1;
        }

        return (Tensor.From<float>(pixels, (count, 1, 8, 8)), Tensor.From<int>(classes, count));
    }

    /// <summary>Rows of equal steps in a circle of 11 numbers, one of which is masked; rows have 4 to 9 numbers.</summary>
    [Fact]
    public void An_encoder_fills_the_gap_in_rows_of_different_length()
    {
        const int Circle = 11, Mask = 11, Context = 9;
        using var model = new MaskedEncoder(Circle + 1, Context);
        using var updater = Train(model, 500, 0.005);
        for (int step = 0; step < 500; step++)
        {
            var (ids, lengths, targets) = Gaps(step, 32);
            updater.Step(() => model.Call(ids, lengths).CrossEntropy(targets));
        }

        var (seen, counts, right) = Gaps(100_000, 300);
        Assert.InRange(Metrics.Accuracy(model.Call(seen, counts), right), 0.9, 1);

        static (Tensor Ids, Tensor Lengths, Tensor Targets) Gaps(int seed, int count)
        {
            var random = new Random(seed);
            var rows = new int[count][];
            var targets = new int[count][];
            for (int i = 0; i < count; i++)
            {
                int start = random.Next(Circle), stride = random.Next(1, 4), length = random.Next(4, Context + 1);
                int gap = random.Next(length);
                rows[i] = [.. Enumerable.Range(0, length).Select(t => t == gap ? Mask : (start + t * stride) % Circle)];
                targets[i] = [.. Enumerable.Range(0, length).Select(t => t == gap ? (start + t * stride) % Circle : -1)];
            }

            var (ids, lengths) = Padding.Of(rows);
            return (ids, lengths, Padding.Of(targets, -1).Ids);
        }
    }

    /// <summary>A text of 2 to 5 letters is written backwards, letter by letter.</summary>
    [Fact]
    public void A_translator_writes_backwards()
    {
        const int Start = 8, End = 9, Context = 6;
        using var model = new Translator(10, Context);
        using var updater = Train(model, 500, 0.005);
        for (int step = 0; step < 500; step++)
        {
            int[][] texts = Texts(step, 32);
            var (ids, lengths) = Padding.Of(texts);
            var written = Padding.Of([.. texts.Select(text => (int[])[Start, .. text.Reverse()])]).Ids;
            var targets = Padding.Of([.. texts.Select(text => (int[])[.. text.Reverse(), End])], -1).Ids;
            updater.Step(() => model.Call(ids, lengths, written).CrossEntropy(targets));
        }

        int[][] unseen = Texts(100_000, 60);
        Assert.InRange(unseen.Count(text => Write(text).SequenceEqual(text.Reverse())), 54, 60);

        int[] Write(int[] text)
        {
            var (ids, lengths) = Padding.Of([text]);
            List<int> written = [Start];
            while (written.Count < Context && written[^1] != End)
            {
                var scores = model.Call(ids, lengths, Tensor.From<int>([.. written], (1, written.Count)));
                written.Add(scores.ArgMax().ToArray<int>()[^1]);
            }

            return [.. written.Skip(1).Where(id => id != End)];
        }

        static int[][] Texts(int seed, int count)
        {
            var random = new Random(seed);
            return [.. Enumerable.Range(0, count).Select(_ =>
                Enumerable.Range(0, random.Next(2, 6)).Select(_ => random.Next(8)).ToArray())];
        }
    }

    private static Updater Train(Module model, long steps, double rate) => new(
        model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Schedule = new OneCycle(rate, steps / 5, steps) });
}
