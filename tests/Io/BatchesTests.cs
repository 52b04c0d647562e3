namespace Mayfly.Tests;

public class BatchesTests
{
    private static TokenStream Numbers(int count) => new(Enumerable.Range(0, count).ToArray());

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(10, 9, 1)]
    [InlineData(11, 9, 2)]
    [InlineData(1_115_394, 1_003_854, 111_540)]
    public void Nine_tenths_train_and_one_validates(int tokens, int train, int validation)
    {
        var stream = Numbers(tokens);
        Assert.Equal((train, validation), ((int)stream.Train.Count, (int)stream.Validation.Count));
        int[] first = new int[1];
        stream.Validation.Copy(0, first);
        Assert.Equal(train, first[0]);
    }

    [Fact]
    public void Targets_are_the_ids_one_place_later_within_the_part()
    {
        var batches = Numbers(100).TrainBatches(batch: 5, context: 7, seed: 3);
        int[] ids = new int[35], targets = new int[35];
        for (long i = 0; i < 50; i++)
        {
            batches.Fill(i, ids, targets);
            Assert.Equal(ids.Select(id => id + 1), targets);
            Assert.True(targets.Max() < 90);
            for (int row = 0; row < 5; row++) Assert.Equal(Enumerable.Range(ids[row * 7], 7), ids.Skip(row * 7).Take(7));
        }
    }

    [Fact]
    public void A_batch_depends_on_seed_and_number_alone()
    {
        int[] first = Starts(1, 1000), again = Starts(1, 1000);
        Assert.Equal(first, again);
        Assert.NotEqual(first, Starts(1, 1001));
        Assert.NotEqual(first, Starts(2, 1000));

        static int[] Starts(ulong seed, long index)
        {
            int[] ids = new int[64], targets = new int[64];
            Numbers(100_000).TrainBatches(64, 1, seed).Fill(index, ids, targets);
            return ids;
        }
    }

    [Fact]
    public void Every_place_is_drawn_about_equally_often()
    {
        var batches = Numbers(21).TrainBatches(batch: 100, context: 8, seed: 5); // 18 tokens to train on: 10 places
        var counts = new int[10];
        int[] ids = new int[800], targets = new int[800];
        for (long i = 0; i < 100; i++)
        {
            batches.Fill(i, ids, targets);
            for (int row = 0; row < 100; row++) counts[ids[row * 8]]++;
        }

        Assert.All(counts, n => Assert.InRange(n, 850, 1150)); // 1000 expected, deviation 30
    }

    [Theory]
    [InlineData(20, 1, 1)]
    [InlineData(100, 3, 3)]
    [InlineData(101, 3, 3)]
    [InlineData(1000, 33, 3)]
    public void Windows_lie_side_by_side(int tokens, int context, int count)
    {
        var windows = Numbers(tokens).ValidationWindows(context);
        Assert.Equal(count, windows.Count);
        int[] ids = new int[count * context], targets = new int[count * context];
        windows.Fill(0, count, ids, targets);
        int first = tokens * 9 / 10;
        Assert.Equal(Enumerable.Range(first, count * context), ids);
        Assert.Equal(Enumerable.Range(first + 1, count * context), targets);
        Assert.Throws<ArgumentException>(() => windows.Fill(1, count, ids, targets));
    }

    [Fact]
    public void Tensors_have_a_row_for_each_window()
    {
        using var device = Device.CreateCpu(1);
        var (ids, targets) = Numbers(100).TrainBatches(2, 3, 1).Get(0, device);
        Assert.Equal((new Shape(2, 3), new Shape(2, 3), DType.I32), (ids.Shape, targets.Shape, ids.Type));
        Assert.Equal(ids.ToArray<int>().Select(id => id + 1), targets.ToArray<int>());
        ids.Dispose();
        targets.Dispose();
    }

    [Fact]
    public void Short_data_is_said_with_its_numbers()
    {
        Assert.Contains("empty", Assert.Throws<InputException>(() => new TokenStream(Array.Empty<int>(), "'x.txt'")).Message);
        Assert.Equal(
            "The data has 30 tokens, 27 of them to train on; a context of 64 needs 65. Give at least 73 tokens, "
                + "or a context of at most 26.",
            Assert.Throws<InputException>(() => Numbers(30).TrainBatches(1, 64, 0)).Message);
        Assert.Equal(
            "The data has 30 tokens, 3 of them to validate on; a context of 3 needs 4. Give at least 31 tokens, or a context of at most 2.",
            Assert.Throws<InputException>(() => Numbers(30).ValidationWindows(3)).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(64)]
    public void The_advised_number_of_tokens_is_the_least_that_works(int context)
    {
        int train = Enumerable.Range(1, 2000).First(n => Works(() => Numbers(n).TrainBatches(1, context, 0)));
        int validation = Enumerable.Range(1, 2000).First(n => Works(() => Numbers(n).ValidationWindows(context)));
        Assert.Contains($"at least {train} tokens", Assert.Throws<InputException>(() => Numbers(train - 1).TrainBatches(1, context, 0))
            .Message);
        Assert.Contains($"at least {validation} tokens", Assert.Throws<InputException>(() =>
            Numbers(validation - 1).ValidationWindows(context)).Message);

        static bool Works(Action action) => Record.Exception(action) is null;
    }
}
