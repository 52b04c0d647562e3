namespace Mayfly.Tests;

/// <summary>Types that are storage only on ILGPU's devices, against the CPU.</summary>
public sealed class StoredGpuTests : IDisposable
{
    private static readonly Device gpu = TestDevice.Open(); // one for all tests, since each compiles its kernels anew
    private readonly Device cpu = Device.CreateCpu(1);
    private readonly Scope onCpu, onGpu;

    public StoredGpuTests() => (onCpu, onGpu) = (cpu.Scope("test"), gpu.Scope("test"));

    public static TheoryData<DType> Types => [DType.BF16, DType.F16, DType.Int8];

    private Device[] Both => [cpu, gpu];

    public void Dispose()
    {
        onGpu.Dispose();
        onCpu.Dispose();
        cpu.Dispose();
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Numbers_are_rounded_and_widened_to_the_same_bits(DType type)
    {
        foreach (RandomKey? key in new RandomKey?[] { null, new(3, 4) })
        {
            float[][] all = [.. Both.Select(device =>
            {
                var x = Tensor.Empty(device, 300, type, Use.Activation, "test");
                x.Rounding = type == DType.F16 ? null : key;
                x.CopyFrom<float>([.. Uniform(297, 1).ToArray(), 1.00390625f, -0f, 1e-42f]);
                return x.ToArray();
            })];
            Assert.Equal(all[0], all[1]);
        }

        Assert.All(Both, device =>
        {
            var x = Tensor.Empty(device, 40, type, Use.Activation, "test");
            x.CopyFrom<float>([.. Enumerable.Repeat(1f, 39), float.NaN]);
            Assert.Equal(type == DType.Int8 ? 40 : 1, x.ToArray().Count(float.IsNaN));
        });
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Kernels_agree(DType type)
    {
        Check(1e-6, (x, _) => x.Sigmoid(), type);
        Check(1e-6, (x, y) => x.Transpose().Slice(0, 3, 20) + y.Slice(0, 1, 1).Reshape((1, 34)).Slice(1, 0, 1), type);
        Check(2e-5, (x, y) => x.Linear(y), type, floats: true);
        Check(2e-5, (x, y) => y.MatMul(x.Transpose()), type);
        Check(0, (x, _) => x.Embedding(Tensor.From<int>([3, 0, 11], 3, x.Device)), type);
        Check(1e-5, (x, _) => Tensor.Full(1, x.SumSquares(), x.Device), type);
        if (type == DType.F16) return;
        Check(0.02, (x, y) => Stepped(x, y, 0), type);
        Check(0.02, (x, y) => Stepped(x, y, 1), type);
        Check(0.02, (x, y) => Stepped(x, y, 2), type);
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.Int8)]
    public void A_model_trains_as_on_the_cpu(DType weights)
    {
        double[][] losses = [.. Both.Select(device =>
        {
            var config = new GptConfig { VocabularySize = 17, Context = 8, Width = 16, Heads = 2, Layers = 1, Weights = weights };
            using var model = config.Create(device);
            var options = new UpdaterOptions { StateType = DType.BF16, GradientType = DType.BF16 };
            using var updater = new Updater(model.Parameters(), Route.Default(new AdamW(), UpdateMode.Deferred), options);
            var ids = Tensor.From<int>([.. Enumerable.Range(0, 16).Select(i => i * i % 17)], (2, 8), device);
            return Enumerable.Range(0, 2).Select(_ => updater.Step(() => model.Loss(ids, ids)).Loss).ToArray();
        })];
        for (int i = 0; i < 2; i++) Assert.Equal(losses[0][i], losses[1][i], 2e-3);
        Assert.True(losses[0][1] < losses[0][0]);
    }

    private static Tensor Stepped(Tensor x, Tensor y, int how)
    {
        var g = y.ToFloat();
        x.Rounding = new RandomKey(1, 2);
        if (how == 0) x.Step(new MuonUpdate(0.1, 0.5), g);
        else if (how == 1) x.Step(new SgdUpdate(0.1, 0.9, 0.5, 0.01, 0.02), g, g.Scale(0.5f));
        else
        {
            var view = x.Write("test");
            var gain = Tensor.Full(x.Shape[1], 0.3, x.Device);
            x.Device.Backend.Row(new ChannelStep(0, 0.1, 0.5), new RowArgs
            {
                X = g.Read("test"), Dy = view, Y = view, Gain = gain.Read("test"),
            });
        }

        x.Rounding = null;
        return x;
    }

    /// <summary>Both devices find the same of two matrices (12, 34) within a tolerance.</summary>
    private void Check(double tolerance, Func<Tensor, Tensor, Tensor> run, DType type, bool floats = false)
    {
        float[][] all = [.. Both.Select(device =>
        {
            Tensor x = Stored(device, type, 1), y = Stored(device, type, 2);
            return run(floats ? x.ToFloat() : x, y).ToArray();
        })];
        Assert.Equal(all[0].Length, all[1].Length);
        for (int i = 0; i < all[0].Length; i++)
            Assert.InRange(all[1][i], all[0][i] - tolerance * (1 + Math.Abs(all[0][i])), all[0][i] + tolerance * (1 + Math.Abs(all[0][i])));
    }

    private Tensor Stored(Device device, DType type, int seed)
    {
        var x = Tensor.Empty(device, (12, 34), type, Use.Activation, "test");
        x.CopyFrom<float>(Uniform(12 * 34, seed).ToArray());
        return x;
    }

    private Tensor Uniform(int count, int seed) => Tensor.Uniform(count, -1, 1, new RandomKey(9, (ulong)seed), cpu);
}
