namespace Mayfly.Tests;

/// <summary>Snapshots of models whose weights, states and gradients are stored in types of fewer bits than they compute in.</summary>
public sealed class StoredSnapshotTests : IDisposable
{
    private readonly Device device = Device.CreateCpu(2);
    private readonly TemporaryFolder folder = new();

    public static TheoryData<DType, DType, bool> Lines => new()
    {
        { DType.BF16, DType.F32, false }, { DType.BF16, DType.BF16, true }, { DType.Int8, DType.BF16, false },
        { DType.F32, DType.BF16, false },
    };

    public void Dispose()
    {
        device.Dispose();
        folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_restored_run_goes_on_to_the_bit(DType weights, DType state, bool masters)
    {
        using var model = Model(weights);
        using var updater = Updater(model, state, masters);
        Steps(model, updater, 3);
        Snapshot.Save(folder.Path, model.Parameters(), updater, updater.GlobalStep, model.Config);
        Steps(model, updater, 3);

        using var snapshot = Snapshot.Open(folder.Path);
        using var again = snapshot.Configuration<ModelConfig>().Create(device, seed: 2);
        using var resumed = Updater(again, state, masters);
        snapshot.Restore(again.Parameters(), resumed);
        Steps(again, resumed, 3);
        Assert.Equal(model.Parameters().Select(p => p.Value.Type), again.Parameters().Select(p => p.Value.Type));
        Assert.Equal(Numbers(model), Numbers(again));
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.Int8)]
    public void Floats_are_rounded_to_a_model_of_another_type(DType weights)
    {
        using LanguageModel floats = Model(DType.F32), stored = Model(weights);
        Snapshot.Save(folder.Path, floats.Parameters(), null, 0, floats.Config);
        var created = Numbers(stored);
        foreach (var parameter in stored.Parameters()) parameter.Value.Fill(1);
        using var snapshot = Snapshot.Open(folder.Path);
        snapshot.Restore(stored.Parameters());
        Assert.Equal(created, Numbers(stored)); // which was rounded from the same numbers
    }

    [Fact]
    public void Groups_of_another_shape_are_refused()
    {
        using LanguageModel model = Model(DType.Int8), other = Model(DType.Int8, layers: 1, hidden: 96);
        Snapshot.Save(folder.Path, model.Parameters(), null, 0, model.Config);
        using var snapshot = Snapshot.Open(folder.Path);
        Assert.Throws<BadFileException>(() => snapshot.Restore(other.Parameters()));
    }

    [Fact]
    public void A_model_is_created_without_holding_its_weights_twice()
    {
        foreach (var weights in new[] { DType.F32, DType.BF16, DType.Int8 })
        {
            using var own = Device.CreateCpu(1);
            using var model = new GptConfig { VocabularySize = 3000, Width = 256, Layers = 2, Weights = weights }.Create(own);
            var report = own.Arena.Report;
            long expected = model.Parameters().Sum(p => p.Value.Bytes);
            Assert.Equal(expected, report.Live(Use.Weight));
            Assert.InRange(report.PeakBytes, expected, expected + (1 << 18)); // 65,536 floats at a time
        }
    }

    private LanguageModel Model(DType weights, int layers = 2, int hidden = 0) => new GptConfig
    {
        VocabularySize = 33, Context = 16, Width = 32, Heads = 2, Layers = layers, Hidden = hidden, Weights = weights,
    }.Create(device);

    private static Updater Updater(LanguageModel model, DType state, bool masters) => new(
        model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { StateType = state, MasterWeights = masters, Seed = 5 });

    private void Steps(LanguageModel model, Updater updater, int count)
    {
        for (int i = 0; i < count; i++)
        {
            var ids = Tensor.From<int>([.. Enumerable.Range(0, 32).Select(k => (int)(k * (updater.GlobalStep + 3) % 33))], (2, 16), device);
            updater.Step(() => model.Loss(ids, ids));
            ids.Dispose();
        }
    }

    private static float[] Numbers(LanguageModel model) => [.. model.Parameters().SelectMany(p => p.Value.ToArray())];
}
