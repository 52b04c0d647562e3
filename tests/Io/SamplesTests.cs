namespace Mayfly.Tests;

/// <summary>Own samples in batches: every sample once an epoch, another order each time, and the same again from any batch on.</summary>
public sealed class SamplesTests
{
    private static readonly int[] items = [.. Enumerable.Range(0, 23)];

    [Fact]
    public void An_epoch_has_every_sample_once_in_an_order_of_its_own()
    {
        var samples = new Samples<int>(items, 5, seed: 3);
        Assert.Equal(5, samples.PerEpoch);
        int[][] epochs = [.. Enumerable.Range(0, 3).Select(epoch =>
            Enumerable.Range(5 * epoch, 5).SelectMany(i => samples.Read(i)).ToArray())];
        Assert.All(epochs, epoch => Assert.Equal(items, epoch.Order()));
        Assert.Equal(4, new HashSet<string>(epochs.Append(items).Select(epoch => string.Join(' ', epoch))).Count);
        Assert.Equal(3, samples.Read(4).Count);
        Assert.NotEqual(samples.Read(0), new Samples<int>(items, 5, seed: 4).Read(0));
        Assert.Equal(items, Enumerable.Range(10, 5).SelectMany(i => new Samples<int>(items, 5, shuffle: false).Read(i)));
    }

    [Fact]
    public void A_stream_goes_on_in_mid_epoch_with_what_would_have_come()
    {
        var samples = new Samples<int>(items, 4, seed: 1);
        string[] whole = [.. samples.Stream(Text, count: 17)];
        Assert.Equal(Enumerable.Range(0, 17).Select(i => Text(samples.Read(i))), whole);
        foreach (int ahead in (int[])[0, 1, 9])
            Assert.Equal(whole[8..], new Samples<int>(items, 4, seed: 1).Stream(Text, first: 8, count: 9, ahead));

        static string Text(IReadOnlyList<int> batch) => string.Join(' ', batch);
    }

    [Fact]
    public void An_error_of_a_batch_comes_where_the_batch_is_asked_for()
    {
        var stream = new Samples<int>(items, 4, shuffle: false)
            .Stream(batch => batch.Contains(8) ? throw new InputException("bad") : batch[0]);
        using var batches = stream.GetEnumerator();
        Assert.True(batches.MoveNext() && batches.MoveNext());
        Assert.Equal("bad", Assert.Throws<InputException>(() => batches.MoveNext()).Message);
    }

    [Fact]
    public void Rows_are_filled_up_to_the_longest()
    {
        var (ids, lengths) = Padding.Of([[1, 2], [3, 4, 5], [6]], padding: -1);
        Assert.Equal([1, 2, -1, 3, 4, 5, 6, -1, -1], ids.ToArray<int>());
        Assert.Equal([2, 3, 1], lengths.ToArray<int>());
        Assert.Throws<ArgumentException>(() => Padding.Of([[1], []]));
        Assert.Throws<ArgumentException>(() => new Samples<int>([], 1));
    }

    [Fact]
    public void Metrics_are_those_of_a_hand_computation()
    {
        var logits = Tensor.From<float>([0, 1, 0, 3, 2, 1, 0, 0, 5, 1, 0, 0], (4, 3));
        Assert.Equal(2.0 / 3, Metrics.Accuracy(logits, Tensor.From<int>([1, 2, 2, -1], 4)));
        Assert.Equal(8, Metrics.Perplexity(Math.Log(8)), 1e-12);
        Assert.Equal(1.5, Metrics.BitsPerByte(Math.Log(8), 50, 100), 1e-12);
        var e = Assert.Throws<ArgumentException>(() => Metrics.Accuracy(logits, Tensor.From<int>([1, 2, 0], 3)));
        Assert.Contains("targets (3)", e.Message);
    }

    /// <summary>Accuracy from losses alone is that of the logits, whether these are made at one time or in parts.</summary>
    [Fact]
    public void Hits_are_those_of_the_logits()
    {
        foreach (var device in (Device[])[Device.Cpu, Device.Reference])
        {
            using var scope = device.Scope("hits");
            Tensor x = Tensor.Uniform((60, 5), -1, 1, new RandomKey(1, 1), device);
            Tensor weight = Tensor.Uniform((7, 5), -1, 1, new RandomKey(1, 2), device);
            var targets = Tensor.From<int>([.. Enumerable.Range(0, 60).Select(i => i % 9 == 4 ? -1 : i % 7)], 60, device);
            double expected = Metrics.Accuracy(x.Linear(weight), targets);
            Assert.InRange(expected, 0.05, 0.5);
            foreach (int rows in (int[])[0, 16])
            {
                using var hits = TargetHits.Watch();
                x.LinearCrossEntropy(weight, targets, rows: rows);
                Assert.Equal((expected, 53), (hits.Accuracy, hits.Rows));
            }
        }
    }

    [Fact]
    public void Training_stops_when_nothing_got_better_for_long()
    {
        var stopping = new EarlyStopping(patience: 2, leastGain: 0.1);
        Assert.Equal([true, false, true, false], new[] { 3, 2.95, 2.5, 2.5 }.Select((loss, i) => stopping.Note(i, loss)));
        Assert.Equal((2.5, 2, false), (stopping.Best, stopping.BestStep, stopping.Stops));
        Assert.False(stopping.Note(4, double.NaN));
        Assert.True(stopping.Stops);
    }
}
