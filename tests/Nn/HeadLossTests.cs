namespace Mayfly.Tests;

/// <summary>The loss of a head whose logits are made for some rows at a time.</summary>
public class HeadLossTests
{
    private const int Rows = 19, Width = 24, Vocabulary = 131;

    /// <summary>More logits than are made at one time: 300 rows, of which 256 fit.</summary>
    private static readonly GptConfig Wide = new() { VocabularySize = 30_000, Context = 300, Layers = 1, Heads = 1, Width = 4 };

    [Theory]
    [InlineData(1), InlineData(2), InlineData(7), InlineData(18)]
    public void The_loss_is_that_of_the_two_ops_for_any_rows(int rows)
    {
        using var device = Device.CreateCpu(threads: 2);
        var (loss, dx, dw) = Run(device, rows);
        var (wholeLoss, wholeDx, wholeDw) = Run(device, rows: 0);
        Closeness.OfItself(1, 1e-6, [.. dx, .. dw], [.. wholeDx, .. wholeDw], $"{rows} rows at one time");
        Closeness.OfItself(1, 1e-6, [loss], [wholeLoss], $"{rows} rows at one time");
    }

    [Fact]
    public void The_bits_do_not_depend_on_threads()
    {
        using Device one = Device.CreateCpu(threads: 1), three = Device.CreateCpu(threads: 3);
        Assert.Equal(Run(one, 7), Run(three, 7), (a, b) => a.Loss == b.Loss && a.Dx.SequenceEqual(b.Dx) && a.Dw.SequenceEqual(b.Dw));
    }

    /// <summary>The logits of some rows, the numbers of a row and the two gradients are all that it takes.</summary>
    [Fact]
    public void No_more_logits_than_asked_for_are_alive()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var trace = device.Arena.StartTrace();
        Run(device, rows: 7);
        var largest = trace.Events.Where(e => e is { Maker: "LinearCrossEntropy", Use: Use.Scratch }).Max(e => e.Bytes);
        Assert.Equal(7 * Vocabulary * sizeof(float), largest);
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_model_takes_the_same_steps_in_both_modes_and_never_holds_all_logits(bool tied)
    {
        var eager = Train(tied, UpdateMode.Eager, 1, out long most);
        Assert.Equal(eager, Train(tied, UpdateMode.Deferred, 1, out _));
        Assert.InRange(most, 0, 4L * Wide.Context * Wide.VocabularySize - 1);
    }

    /// <summary>The sum of several micro-batches' gradients is there already, so the gradient is added to it.</summary>
    [Fact]
    public void Micro_batches_keep_one_gradient_of_the_head()
    {
        long table = 4L * Wide.Width * Wide.VocabularySize;
        var twice = Train(tied: true, UpdateMode.Eager, 2, out _, gradients => Assert.InRange(gradients, table, table + table / 2));
        Assert.Equal(twice, Train(tied: true, UpdateMode.Deferred, 2, out _));
    }

    [Fact]
    public void A_head_that_was_replaced_is_called()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var gpt = new Gpt(Wide with { VocabularySize = 7, Context = 8 }, device);
        using var tape = Tape.Record(device);
        var ids = GptTests.Ids(device, 1, 8, 1);
        double before = gpt.Loss(ids, ids).Item();
        gpt.Replace("head", old => new Doubled(old));
        Assert.NotEqual(before, gpt.Loss(ids, ids).Item());
        Assert.Equal(gpt.Logits(ids).CrossEntropy(ids).Item(), gpt.Loss(ids, ids).Item());
    }

    private sealed class Doubled : Module
    {
        private readonly Module inner;

        public Doubled(Module inner) => this.inner = Add("inner", inner);

        protected override Tensor Forward(Tensor x) => inner.Call(x).Scale(2);
    }

    private static (float Loss, float[] Dx, float[] Dw) Run(Device device, int rows)
    {
        using var tape = Tape.Record(device);
        var x = tape.Watch(Tensor.Uniform((Rows, Width), -1, 1, new RandomKey(1, 1), device));
        var weight = tape.Watch(Tensor.Uniform((Vocabulary, Width), -1, 1, new RandomKey(1, 2), device));
        var targets = Tensor.From<int>([.. Enumerable.Range(0, Rows).Select(i => i % 5 == 4 ? -1 : i * 29 % Vocabulary)], Rows, device);
        var loss = x.LinearCrossEntropy(weight, targets, rows: rows);
        float value = loss.ToArray()[0];
        tape.Backward(loss);
        return (value, tape.GradientOf(x)!.ToArray(), tape.GradientOf(weight)!.ToArray());
    }

    /// <summary>The losses and the weights of two steps.</summary>
    private static float[] Train(bool tied, UpdateMode mode, int microBatches, out long largest, Action<long>? gradients = null)
    {
        using var device = Device.CreateCpu(threads: 2);
        using var gpt = new Gpt(Wide with { TiedHead = tied }, device);
        using var updater = new Updater(gpt.Parameters(), Route.Default(new Sgd(), mode), new UpdaterOptions { Schedule = 0.1 });
        using var trace = device.Arena.StartTrace();
        var losses = new List<float>();
        for (int i = 0; i < 2; i++)
            losses.Add((float)updater.Step(microBatches, k =>
            {
                var ids = GptTests.Ids(device, 1, Wide.Context, 10 * i + k);
                return gpt.Loss(ids, ids, total: microBatches * Wide.Context);
            }).Loss);
        largest = trace.Events.Max(e => e.Bytes);
        gradients?.Invoke(device.Arena.Report.Peak(Use.Gradient));
        return [.. losses, .. gpt.Parameters().SelectMany(p => p.Value.ToArray())];
    }
}
