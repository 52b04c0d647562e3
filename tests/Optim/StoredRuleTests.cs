namespace Mayfly.Tests;

/// <summary>What is stored in types of fewer bits than rules compute in.</summary>
public sealed record StoredLine(string Name, DType Weights, DType State = DType.F32, DType Gradients = DType.F32, bool Masters = false)
{
    public override string ToString() => Name;

    public UpdaterOptions Options(Schedule? schedule) =>
        new() { Schedule = schedule, StateType = State, GradientType = Gradients, MasterWeights = Masters };
}

/// <summary>Every rule on weights, states and gradients that are stored in types of fewer bits than it computes in.</summary>
public class StoredRuleTests
{
    private static readonly StoredLine[] lines =
    [
        new("bf16 weights", DType.BF16),
        new("int8 weights", DType.Int8),
        new("bf16 state and gradients", DType.F32, DType.BF16, DType.BF16),
        new("bf16 all", DType.BF16, DType.BF16, DType.BF16),
        new("bf16 weights with masters, f16 gradients", DType.BF16, Gradients: DType.F16, Masters: true),
    ];

    public static TheoryData<RuleLine> Rules => RuleTable.All;

    public static TheoryData<StoredLine> Stored => new(lines);

    [Theory]
    [MemberData(nameof(Rules))]
    public void Eager_equals_deferred_to_the_bit(RuleLine rule)
    {
        foreach (var stored in lines)
        {
            var expected = Train(rule, stored, UpdateMode.Deferred, 1);
            Assert.Equal(expected, Train(rule, stored, UpdateMode.Eager, 1));
            Assert.Equal(expected, Train(rule, stored, UpdateMode.Eager, 1, checkpoint: true));
            Assert.Equal(Train(rule, stored, UpdateMode.Deferred, 3), Train(rule, stored, UpdateMode.Eager, 3));
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Same_bits_for_any_number_of_threads(RuleLine rule)
    {
        foreach (var stored in lines)
        {
            var expected = Train(rule, stored, UpdateMode.Eager, 2, threads: 1, hidden: 67, inputs: 129, share: 2e-4);
            Assert.Equal(expected, Train(rule, stored, UpdateMode.Eager, 2, threads: 3, hidden: 67, inputs: 129, share: 2e-4));
        }
    }

    /// <summary>Random rounding follows the rule on average: small problems are solved about as well as with floats.</summary>
    [Theory]
    [MemberData(nameof(Rules))]
    public void Goes_where_floats_go(RuleLine rule)
    {
        var floats = new StoredLine("f32", DType.F32);
        double start = Loss(rule, floats, 0), expected = Loss(rule, floats, 60);
        foreach (var stored in lines)
        {
            double loss = Loss(rule, stored, 60);
            Assert.True(loss < expected + 0.05 * start, $"{stored}: the loss went from {start} to {loss}, of floats to {expected}");
        }
    }

    [Theory]
    [MemberData(nameof(Stored))]
    public void Bytes_are_those_of_the_types(StoredLine stored)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device, 67, 129, type: stored.Weights);
        using var updater = new Updater(model.Parameters, RuleTable.Everywhere(new AdamW(), UpdateMode.Deferred), stored.Options(null));
        const long matrix = 67 * 129, vectors = 67 + 67 + 129;
        updater.Begin(0.1);
        using (var tape = Tape.Record(device)) updater.Backward(tape, model.Loss(1, 2, 0.1));
        var report = device.Arena.Report;
        Assert.Equal(stored.Weights.Bytes(matrix) + 4 * vectors, report.Live(Use.Weight));
        long columns = 2 * 4 * (vectors - 129) + 2 * 4 * 129; // two moments; the columns (67, 1) are matrices to the state
        if (stored.State == DType.BF16) columns = 2 * 2 * (vectors - 129) + 2 * 4 * 129;
        Assert.Equal(2 * stored.State.Bytes(matrix) + columns + (stored.Masters ? 4 * matrix : 0), report.Live(Use.State));
        long kept = stored.Gradients.Bytes(matrix) + stored.Gradients.Bytes(vectors - 129) + 4 * 129;
        Assert.Equal(kept, report.Live(Use.Gradient));
        Assert.Contains($"{updater.StateBytes:N0} bytes of state", updater.Summary());
    }

    /// <summary>A step far below half the distance to the next number moves nothing when rounded to nearest.</summary>
    [Fact]
    public void Small_steps_are_not_lost()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        foreach (bool masters in new[] { false, true })
        {
            using var weight = new Parameter("w", (64, 64), Role.Hidden, device, DType.BF16);
            weight.Value.Fill(1);
            var ones = Tensor.Ones((64, 64), device);
            using var updater = new Updater([weight], RuleTable.Everywhere(new Sgd(), UpdateMode.Eager),
                new UpdaterOptions { Schedule = 1e-4, MasterWeights = masters });
            for (int i = 0; i < 100; i++) updater.Step(() => (weight.Value * ones).Sum()); // each gradient is 1: 100 steps of 1e-4
            double mean = weight.Value.ToArray().Average(x => (double)x);
            Assert.InRange(mean, 0.99 - 0.002, 0.99 + 0.002); // of BF16 one step below 1 is 1/256
        }
    }

    /// <summary>Fused matrices that share a group of int8 are stepped as with floats, up to the rounding.</summary>
    [Fact]
    public void Blocks_may_share_a_group()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var g = Tensor.Uniform((9, 100), -1, 1, new RandomKey(1, 2), device);
        float[][] stepped = [.. new[] { DType.F32, DType.Int8 }.Select(type =>
        {
            using var weight = new Parameter("w", (9, 100), Role.Hidden, device, type) { RowBlocks = [4, 5] };
            weight.Value.CopyFrom<float>([.. Enumerable.Range(0, 900).Select(i => (i % 255 - 127) / 127f)]);
            using var updater = new Updater([weight], RuleTable.Everywhere(new Muon(), UpdateMode.Eager),
                new UpdaterOptions { Schedule = 1 });
            updater.Step(() => (weight.Value * g).Sum());
            return weight.Value.ToArray();
        })];
        float scale = stepped[0].Max(Math.Abs) / 127;
        float tolerance = 1.01f * scale + 0.5f / 127; // a random step of the result and half a one of the start
        for (int i = 0; i < 900; i++) Assert.InRange(stepped[1][i], stepped[0][i] - tolerance, stepped[0][i] + tolerance);
        using var groups = Tensor.Unowned(device, (9, 100), DType.Int8, Use.Activation, "test");
        Assert.Contains("whole groups", Assert.Throws<NotSupportedException>(() => groups.Slice(0, 0, 4).Fill(1)).Message);
        groups.Fill(1);
    }

    [Theory]
    [InlineData(DType.F64, DType.F32)]
    [InlineData(DType.F16, DType.F32)]
    [InlineData(DType.F32, DType.Int8)]
    public void Other_types_are_refused(DType state, DType gradients)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        var options = new UpdaterOptions { StateType = state, GradientType = gradients };
        var e = Assert.Throws<ArgumentException>(() => new Updater(model.Parameters, new Route().Otherwise(new AdamW()), options));
        Assert.Contains("choose F32", e.Message);
    }

    /// <summary>The last of the losses on one batch.</summary>
    private static double Loss(RuleLine rule, StoredLine stored, int steps)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device, 16, 32, type: stored.Weights);
        using var updater = new Updater(model.Parameters, RuleTable.Everywhere(rule.Make(), UpdateMode.Eager),
            stored.Options(rule.LearningRate / 5));
        double last = 0;
        for (int i = 0; i <= steps; i++) last = updater.Step(() => model.Loss(i % 4, 4, 0.02)).Loss;
        return last;
    }

    private static float[] Train(
        RuleLine rule, StoredLine stored, UpdateMode mode, int microBatches, int threads = 1, int hidden = 5, int inputs = 7,
            bool checkpoint = false, double share = 0.02)
    {
        using var device = Device.CreateCpu(threads);
        using var model = new TinyModel(device, hidden, inputs, type: stored.Weights);
        using var updater = new Updater(model.Parameters, RuleTable.Everywhere(rule.Make(), mode), stored.Options(rule.LearningRate));
        var before = model.Weights();
        long atRest = device.Arena.Report.LiveBytes;
        for (int step = 0; step < 3; step++)
        {
            updater.Step(microBatches, k => model.Loss(step * microBatches + k, 4, share / microBatches, checkpoint));
            Assert.Equal(atRest, device.Arena.Report.LiveBytes);
        }

        Assert.NotEqual(before, model.Weights());
        return model.Weights();
    }
}
