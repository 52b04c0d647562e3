namespace Mayfly.Tests;

/// <summary>Steps that fail: nothing leaks, and the model is torn exactly where a weight had moved.</summary>
public class UpdaterFailureTests
{
    public enum Failure
    {
        Forward,
        Backward,
        Rule,
        Loss,
        Gradient,
    }

    public static TheoryData<Failure, UpdateMode, int> Cases
    {
        get
        {
            var data = new TheoryData<Failure, UpdateMode, int>();
            foreach (var failure in Enum.GetValues<Failure>())
                foreach (var mode in Enum.GetValues<UpdateMode>())
                    foreach (int microBatches in new[] { 1, 3 }) data.Add(failure, mode, microBatches);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_failed_step_leaks_nothing_and_is_torn_only_where_a_weight_moved(Failure failure, UpdateMode mode, int microBatches)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        Parameter early = UpdaterTests.Make(device, "early", 3), late = UpdaterTests.Make(device, "late", 3);
        var rule = new FailingRule();
        using var updater = new Updater([late, early], RuleTable.Everywhere(rule, mode), new UpdaterOptions { Schedule = 0.1 });
        var huge = Tensor.Full(3, 1e30, device);
        updater.Step(() => early.Value.Sum() + late.Value.Sum());
        float[] before = [.. early.Value.ToArray(), .. late.Value.ToArray()];
        long atRest = device.Arena.Report.LiveBytes;

        Tensor Loss(int k)
        {
            var x = early.Value * Tensor.Ones(3, device); // its gradient comes last
            if (k < microBatches - 1) return (x * x).Sum() + late.Value.Sum();
            if (failure == Failure.Forward) throw new FormatException();
            if (failure == Failure.Backward) x = FailingBackward(x);
            if (failure == Failure.Gradient) x = Overflow(x, device);
            if (failure == Failure.Rule) rule.FailsFor = early;
            var y = (x + late.Value).Sum();
            return failure == Failure.Loss ? y * Tensor.Full(default, double.NaN, device) : y;
        }

        var error = Assert.ThrowsAny<Exception>(() => updater.Step(microBatches, Loss));
        Assert.Equal(failure is Failure.Loss or Failure.Gradient ? typeof(NonFiniteException) : typeof(FormatException), error.GetType());
        Assert.Equal(atRest, device.Arena.Report.LiveBytes);
        float[] after = [.. early.Value.ToArray(), .. late.Value.ToArray()];
        bool torn = mode == UpdateMode.Eager ? failure is Failure.Backward or Failure.Rule or Failure.Gradient : failure == Failure.Rule;
        Assert.Equal(torn, updater.Torn);
        if (torn)
        {
            Assert.Contains("torn", Assert.Throws<InvalidOperationException>(() => updater.Step(() => late.Value.Sum())).Message);
            updater.MarkRestored();
            updater.GlobalStep = 1;
        }
        else
        {
            Assert.Equal(before, after);
            Assert.Equal(1, updater.GlobalStep);
        }

        rule.FailsFor = null;
        Assert.Equal(2, updater.Step(() => early.Value.Sum() + late.Value.Sum()).Step);
    }

    [Fact]
    public void Messages_name_the_step_the_loss_and_the_parameter()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using var w = UpdaterTests.Make(device, "w", 3);
        using var updater = new Updater([w], RuleTable.Everywhere(new Sgd(), UpdateMode.Eager));
        var loss = Assert.Throws<NonFiniteException>(() => updater.Step(() => (w.Value * Tensor.Full(3, double.NaN, device)).Sum()));
        Assert.Contains("Step 1: the loss is NaN", loss.Message);
        var gradient = Assert.Throws<NonFiniteException>(() => updater.Step(() => Overflow(w.Value, device).Sum()));
        Assert.Contains("Step 1: the gradient of w (3) Hidden has an infinity or NaN. No weight has moved", gradient.Message);
    }

    [Fact]
    public void Misuse_is_named()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        Parameter w = UpdaterTests.Make(device, "w", 3), stranger = UpdaterTests.Make(device, "stranger", 3);
        using var updater = new Updater([w], RuleTable.Everywhere(new Sgd(), UpdateMode.Eager));
        Tensor Loss() => w.Value.Sum();

        Assert.Contains("call Begin first", Fails(() => updater.End()));
        Assert.Contains("stranger (3) Hidden, which is not among", Fails(() => updater.Step(() => (stranger.Value + w.Value).Sum())));
        Assert.Contains("after 1 of 2 micro-batches", Fails(() =>
        {
            updater.Begin(microBatches: 2);
            Sweep(device, updater, Loss);
            updater.End();
        }));
        Assert.Contains("has had its 1 micro-batches", Fails(() =>
        {
            updater.Begin();
            Sweep(device, updater, Loss);
            Sweep(device, updater, Loss);
        }));
        updater.MarkRestored();
        Assert.Contains("a second sweep in step", Fails(() =>
        {
            updater.Begin();
            for (int i = 0; i < 2; i++)
                using (var tape = Tape.Record(device)) tape.Backward(Loss(), updater);
        }));
        updater.Abandon();
        Assert.True(updater.Torn);
        Assert.Throws<ArgumentOutOfRangeException>(() => Restored(updater).Begin(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => Restored(updater).Begin(microBatches: 0));
    }

    [Fact]
    public void An_unfinished_step_is_dropped_by_the_next()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, Route.Default(new Sgd(), UpdateMode.Deferred));
        long atRest = device.Arena.Report.LiveBytes;
        updater.Begin();
        using (var tape = Tape.Record(device)) updater.Backward(tape, model.Loss(1, 2, 0.1));
        Assert.True(device.Arena.Report.LiveBytes > atRest);
        updater.Begin();
        Assert.Equal(1, updater.GlobalStep);
        Assert.Equal(atRest, device.Arena.Report.LiveBytes);
    }

    private static Updater Restored(Updater updater)
    {
        updater.MarkRestored();
        return updater;
    }

    private static string Fails(Action action) => Assert.Throws<InvalidOperationException>(action).Message;

    private static void Sweep(Device device, Updater updater, Func<Tensor> loss)
    {
        using var tape = Tape.Record(device);
        updater.Backward(tape, loss());
    }

    /// <summary>Zeros whose gradient is infinite.</summary>
    private static Tensor Overflow(Tensor x, Device device)
    {
        Tensor zero = Tensor.Zeros(3, device), huge = Tensor.Full(3, 1e30, device);
        return x * zero * zero + (x + Opposite(x)) * huge * huge;
    }

    private static Tensor Opposite(Tensor x) => Tensor.From<float>(Array.ConvertAll(x.ToArray(), v => -v), x.Shape, x.Device);

    private static Tensor FailingBackward(Tensor x)
    {
        var call = Op.Begin("Failing", x);
        var y = call.New(x.Shape);
        call.Backend.Copy(call.Read(x), call.Write(y));
        return call.Records ? call.Push(y, new FailingNode()) : y;
    }

    private sealed class FailingNode : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            _ = sweep.Target(0);
            throw new FormatException();
        }
    }

    private sealed record FailingRule : Rule
    {
        private readonly Sgd inner = new() { Momentum = 0.9 };

        public Parameter? FailsFor { get; set; }

        public override string Name => "failing";

        public override void Init(Parameter parameter, RuleState state) => inner.Init(parameter, state);

        public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
        {
            if (parameter == FailsFor) throw new FormatException();
            inner.Apply(parameter, gradient, state, step);
        }
    }
}
