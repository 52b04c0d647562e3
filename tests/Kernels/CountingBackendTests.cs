using Mayfly.Benches;

namespace Mayfly.Tests;

/// <summary>The counts of <c>benches -- roofline</c> beside counts by hand.</summary>
public sealed class CountingBackendTests : IDisposable
{
    private readonly CountingBackend counting = new(CpuBackends.Create(1, 128));
    private readonly Device device;

    public CountingBackendTests() => device = new Device(counting);

    public void Dispose() => device.Dispose();

    [Fact]
    public void Counts_a_linear_layer()
    {
        const int rows = 5, size = 3, outputs = 2;
        using var model = new Linear(new ParameterSource(device), size, outputs);
        using var values = Tensor.Ones((rows, size), device);
        using var tape = Tape.Record(device);
        var x = tape.Watch(values);
        counting.Calls.Clear();
        var loss = model.Call(x).Sum();
        tape.Backward(loss);
        const int each = rows * size + size * outputs + rows * outputs;
        Same("Gemm NT", 4 * (each + outputs), 2 * rows * size * outputs);
        Same("Gemm NN", 4 * each, 2 * rows * size * outputs);
        Same("Gemm TN", 4 * each, 2 * rows * size * outputs);
    }

    /// <summary>Repeated elements are read once; what is added to is read and written.</summary>
    [Fact]
    public void Counts_distinct_elements()
    {
        using Tensor row = Tensor.Ones(3, device), matrix = Tensor.Ones((4, 3), device), ids = Tensor.From<int>([1, 1], 2, device);
        View Of(Tensor x) => x.Read("test");
        var wide = Of(row).With(new Layout((4, 3), (0, 1), 0));
        counting.Calls.Clear();
        counting.Copy(wide, Of(matrix));
        counting.Copy(Of(matrix), Of(matrix), add: true);
        counting.Run(new Gather(Of(matrix), Of(ids), Of(matrix).With(Layout.RowMajor((2, 3)))));
        counting.Update(new Scaled(), Of(row), Of(row), Of(row), default);
        counting.Fill(default(View) with { Block = Of(row).Block, Type = DType.F32, Layout = Layout.RowMajor((0, 3)) }, 0);
        Assert.Equal([4.0 * (3 + 12), 4 * 36, 4 * (2 + 6 + 6), 4 * (3 + 2 * 6), 0], counting.Costs.Select(c => c.Bytes));
        Assert.All(counting.Costs, c => Assert.Equal(0, c.Flops));
    }

    /// <summary>6 operations per token and weight of a matrix; attention 2 + 5 products of the pairs that see each other.</summary>
    [Fact]
    public void Counts_a_step_of_a_gpt()
    {
        const int vocabulary = 11, layers = 2, width = 8, context = 4, batch = 3;
        var config = new GptConfig
        {
            VocabularySize = vocabulary, Context = context, Layers = layers, Heads = 2, Width = width, TiedHead = true,
        };
        using var model = new Gpt(config, device);
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { ReadEvery = int.MaxValue });
        using var ids = Tensor.From<int>([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1], (batch, context), device);
        updater.Step(() => model.Loss(ids, ids));
        counting.Calls.Clear();
        updater.Step(() => model.Loss(ids, ids));

        double weights = layers * 12 * width * width + vocabulary * width, pairs = batch * context * (context + 1) / 2;
        Assert.Equal(6 * batch * context * weights, Sum("Gemm", c => c.Flops));
        Assert.Equal(2 * 2 * layers * width * pairs, Sum("Attend ", c => c.Flops));
        Assert.Equal(5 * 2 * layers * width * pairs, Sum("AttendBack ", c => c.Flops));
        Assert.Equal(4 * 7 * model.ParameterCount, Sum("Update", c => c.Bytes));
        Assert.Equal(4 * batch * context * (vocabulary + 4), Sum("CrossEntropy ", c => c.Bytes));
        Assert.DoesNotContain(counting.Costs, c => c.Name == "SumSquares");
    }

    [Fact]
    public void Takes_the_longer_of_moving_and_computing()
    {
        var card = new Card("test", BytesPerSecond: 10, FlopsPerSecond: 100);
        Assert.Equal(2, card.Seconds(new("moves", 20, 100)));
        Assert.Equal(3, card.Seconds(new("computes", 20, 300)));
    }

    /// <summary>No call of the engine passes by the counts.</summary>
    [Fact]
    public void Counts_every_call() => Assert.All(
        typeof(Backend).GetMethods().Where(m => m.IsVirtual && m.DeclaringType == typeof(Backend)),
        m => Assert.Contains(
            typeof(CountingBackend).GetMethods(), own => own.DeclaringType == typeof(CountingBackend) && own.GetBaseDefinition() == m));

    private void Same(string kind, double bytes, double flops) =>
        Assert.Equal(new KernelCost(kind, bytes, flops), counting.Costs.Single(c => c.Name == kind));

    private double Sum(string kind, Func<KernelCost, double> of) =>
        counting.Costs.Where(c => $"{c.Name} ".StartsWith(kind, StringComparison.Ordinal)).Sum(of);

    private readonly struct Scaled : IUpdate<Scaled>
    {
        public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> => p -= g;
    }
}
