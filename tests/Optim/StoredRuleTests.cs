namespace Mayfly.Tests;

/// <summary>Every rule on matrices that are stored in a type of fewer bits than it computes in.</summary>
public class StoredRuleTests
{
    private static readonly DType[] Types = [DType.BF16, DType.Int8];

    public static TheoryData<RuleLine, DType> Lines => new(
        from line in RuleTable.Lines from type in Types select (line, type));

    [Theory]
    [MemberData(nameof(Lines))]
    public void Eager_equals_deferred_to_the_bit(RuleLine line, DType type)
    {
        var expected = Train(line, type, UpdateMode.Deferred, 1, 1);
        Assert.Equal(expected, Train(line, type, UpdateMode.Eager, 1, 1));
        Assert.Equal(expected, Train(line, type, UpdateMode.Eager, 1, 1, checkpoint: true));
        Assert.Equal(Train(line, type, UpdateMode.Deferred, 3, 1), Train(line, type, UpdateMode.Eager, 3, 1));
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void Same_bits_for_any_number_of_threads(RuleLine line, DType type)
    {
        var expected = Train(line, type, UpdateMode.Eager, 1, 1, hidden: 67, inputs: 129);
        foreach (int threads in new[] { 2, 3 })
            Assert.Equal(expected, Train(line, type, UpdateMode.Eager, 1, threads, hidden: 67, inputs: 129));
    }

    private static float[] Train(
        RuleLine line, DType type, UpdateMode mode, int microBatches, int threads, int hidden = 5, int inputs = 7, bool checkpoint = false)
    {
        using var device = Device.CreateCpu(threads);
        using var model = new TinyModel(device, hidden, inputs, type: type);
        using var updater = new Updater(model.Parameters, RuleTable.Everywhere(line.Make(), mode),
            new UpdaterOptions { Schedule = line.LearningRate });
        var before = model.Weights();
        long atRest = device.Arena.Report.LiveBytes;
        for (int step = 0; step < 3; step++)
        {
            updater.Step(microBatches, k => model.Loss(step * microBatches + k, 4, 0.02 / microBatches, checkpoint));
            Assert.Equal(atRest, device.Arena.Report.LiveBytes);
        }

        Assert.NotEqual(before, model.Weights());
        return model.Weights();
    }
}
