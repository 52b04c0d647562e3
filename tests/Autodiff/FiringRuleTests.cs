using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

/// <summary>
/// Random programs over shared weights, with dead branches, nested checkpoints, dropout and accumulation: each parameter fires exactly once
/// a sweep, eager updates equal deferred ones to the bit, and checkpointed programs equal plain ones to the bit.
/// </summary>
public class FiringRuleTests
{
    private const int Width = 5, Weights = 5, Length = 12, Steps = 3;

    /// <summary>One random program: which weight each line reads and what the line does.</summary>
    internal sealed record RandomProgram(int Seed, bool Tied)
    {
        public (int Weight, double Kind)[] Lines { get; } = MakeLines(Seed, Tied);

        /// <summary>True where no later line reads the first weight of line <paramref name="k"/>, but an earlier one does.</summary>
        public bool IsLastUse(int k)
        {
            int weight = Lines[k].Weight;
            bool Reads((int Weight, double Kind) line) => line.Weight == weight || (line.Weight + 1) % Weights == weight;
            return Lines[..k].Any(Reads) && !Lines[(k + 1)..].Any(Reads);
        }

        private static (int, double)[] MakeLines(int seed, bool tied)
        {
            var random = new System.Random(seed);
            var lines = new (int, double)[Length];
            for (int k = 0; k < Length; k++) lines[k] = (tied ? random.Next(Weights) : k % Weights, random.NextDouble());
            return lines;
        }
    }

    [Fact]
    public void Eager_checkpointed_and_plain_runs_agree_to_the_bit()
    {
        var programs = from seed in Gen.Choose(0, 1 << 20) from tied in Gen.Elements(true, false) select new RandomProgram(seed, tied);
        Prop.ForAll(programs.ToArbitrary(), AgreesInEveryMode).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    [Fact]
    public void A_step_right_after_the_last_use_is_caught()
    {
        int caught = 0;
        for (int seed = 0; seed < 20; seed++)
        {
            try
            {
                Run(new RandomProgram(seed, Tied: true), eager: false, checkpoints: false, stepsAfterLastUse: true);
            }
            catch (InvalidOperationException e) when (e.Message.Contains("changed in place"))
            {
                caught++;
            }
        }

        Assert.Equal(20, caught);
    }

    [Fact]
    public void A_read_that_the_op_did_not_declare_is_caught()
    {
        using var device = Device.CreateReference();
        using var weight = Make(device, "w", 1);
        using var other = Make(device, "v", 2);
        using var tape = Tape.Record(device);
        var x = Tensor.Full(Width, 0.5, device) * weight.Value;
        var hidden = UndeclaredRead(x, weight.Value);
        var loss = (hidden * other.Value).Sum();
        var secret = weight.Value;
        var e = Assert.Throws<InvalidOperationException>(() => tape.Backward(loss, (Parameter _, ref Gradient _) => secret.Fill(0)));
        Assert.Contains("Sneaky: parameter w (5) was changed in place", e.Message);
    }

    /// <summary>
    /// x itself, through a record that steps a weight in place when it is swept: in front of the line that reads the weight last, this is
    /// firing after the last use, which the sweep passes first.
    /// </summary>
    private static Tensor StepInBackward(Tensor x, Parameter weight)
    {
        var call = Op.Begin("Step in backward", x, weight.Value);
        var y = x.ViewAs(call.Name);
        return call.Records ? call.Push(y, new StepNode(weight)) : y;
    }

    private sealed class StepNode(Parameter weight) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            weight.Value.Fill(0);
            if (sweep.Needs(0)) sweep.GiveDy(0, sweep.Dy);
        }
    }

    private static Tensor UndeclaredRead(Tensor x, Tensor secret)
    {
        var call = Op.Begin("Sneaky", x);
        var y = call.New(x.Shape);
        call.Backend.Map2(new Multiply(), call.Read(x), call.Read(secret), call.Write(y));
        return call.Records ? call.Push(y, new SneakyNode(call.Save(secret))) : y;
    }

    private sealed class SneakyNode(Saved secret) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            sweep.Backend.Map2(new Multiply(), Read(secret), Read(sweep.Dy), Write(target));
        }
    }

    private static bool AgreesInEveryMode(RandomProgram program)
    {
        var plain = Run(program, eager: false, checkpoints: false);
        foreach (var (eager, checkpoints) in new[] { (true, false), (true, true), (false, true) })
            Assert.Equal(plain, Run(program, eager, checkpoints));
        return true;
    }

    [Fact]
    public void Two_accumulated_micro_batches_equal_the_sum_of_two_sweeps()
    {
        for (int seed = 0; seed < 20; seed++)
            foreach (bool checkpoints in (bool[])[false, true])
                Accumulates(new RandomProgram(seed, Tied: true), checkpoints);
    }

    private static void Accumulates(RandomProgram program, bool checkpoints)
    {
        using var device = Device.CreateReference();
        var weights = Enumerable.Range(0, Weights).Select(i => Make(device, $"w{i}", i)).ToArray();
        long atRest = device.Arena.Report.LiveBytes;
        var accumulating = new SumSink(device, accumulates: true);
        var adding = new SumSink(device, accumulates: false);
        foreach (var sink in (SumSink[])[accumulating, adding])
            for (int microBatch = 0; microBatch < 2; microBatch++)
            {
                using var tape = Tape.Record(device, new RandomState(1, 0, microBatch));
                tape.Backward(Loss(program, weights, device, checkpoints), sink);
                sink.Fired.Clear();
            }

        foreach (var w in weights) OpResult.Near(adding.Sum(w), accumulating.Sum(w), 1, 1e-12, $"program {program.Seed}, {w.Name}");
        accumulating.Free();
        adding.Free();
        Assert.Equal(atRest, device.Arena.Report.LiveBytes);
    }

    /// <summary>Sums gradients, in the sweep's own buffers or apart from it.</summary>
    private sealed class SumSink(Device device, bool accumulates) : IGradientSink
    {
        private readonly Dictionary<Parameter, Tensor> sums = [];

        public HashSet<Parameter> Fired { get; } = [];

        public Tensor? Accumulator(Parameter parameter) => accumulates ? Of(parameter) : null;

        public void Ready(Parameter parameter, ref Gradient gradient)
        {
            Assert.True(Fired.Add(parameter), $"{parameter.Name} fired twice");
            if (gradient.Value is null) return;
            if (accumulates) Assert.Same(Of(parameter), gradient.Value);
            else Of(parameter).AddInPlace(gradient.Value);
        }

        public double[] Sum(Parameter parameter) =>
            sums.TryGetValue(parameter, out var sum) ? sum.ToArray<double>() : new double[parameter.Shape.Count];

        public void Free()
        {
            foreach (var sum in sums.Values) sum.Dispose();
        }

        private Tensor Of(Parameter parameter) =>
            sums.TryGetValue(parameter, out var sum) ? sum : sums[parameter] = Tensor.Zeros(parameter.Shape, device).Keep();
    }

    private static Parameter Make(Device device, string name, int seed)
    {
        using var value = Tensor.Uniform(Width, -1, 1, new RandomKey(3, (ulong)seed), device);
        return new Parameter(name, value, Role.Gain);
    }

    private static double[] Run(RandomProgram program, bool eager, bool checkpoints, bool stepsAfterLastUse = false)
    {
        using var device = Device.CreateReference();
        var weights = Enumerable.Range(0, Weights).Select(i => Make(device, $"w{i}", i)).ToArray();
        long atRest = device.Arena.Report.LiveBytes;
        for (int step = 0; step < Steps; step++)
        {
            Step(device, program, weights, eager, checkpoints, stepsAfterLastUse, step);
            Assert.Equal(atRest, device.Arena.Report.LiveBytes);
        }

        return weights.SelectMany(w => w.Value.ToArray<double>()).ToArray();
    }

    private static void Step(
        Device device, RandomProgram program, Parameter[] weights, bool eager, bool checkpoints, bool stepsAfterLastUse, int step)
    {
        var kept = new List<(Parameter, Tensor)>();
        var fired = new HashSet<Parameter>();
        using (var tape = Tape.Record(device, new RandomState(1, step, 0)))
        {
            var read = program.Lines.SelectMany(l => new[] { l.Weight, (l.Weight + 1) % Weights }).ToHashSet();
            tape.Backward(Loss(program, weights, device, checkpoints, stepsAfterLastUse), (Parameter p, ref Gradient g) =>
            {
                Assert.True(fired.Add(p), $"{p.Name} fired twice");
                if (g.Value is null) return;
                if (eager)
                {
                    p.Value.Step(new PlainDescent(0.1f), g.Value);
                    return;
                }

                kept.Add((p, g.Value));
                g = default;
            });
            Assert.All(read, i => Assert.Contains(weights[i], fired));
        }

        foreach (var (parameter, gradient) in kept)
        {
            parameter.Value.Step(new PlainDescent(0.1f), gradient);
            gradient.Dispose();
        }
    }

    private static Tensor Loss(RandomProgram program, Parameter[] weights, Device device, bool checkpoints, bool stepsAfterLastUse = false)
    {
        var h = Tensor.Full(Width, 0.7, device);
        for (int k = 0; k < Length; k++)
        {
            int line = k;
            if (stepsAfterLastUse && program.IsLastUse(k)) h = StepInBackward(h, weights[program.Lines[k].Weight]);
            h = checkpoints && k % 2 == 0
                ? Tape.Checkpoint(x => Line(program, line, weights, x, checkpoints), h)
                : Line(program, line, weights, h, checkpoints);
        }

        return (h * h).Sum();
    }

    private static Tensor Line(RandomProgram program, int k, Parameter[] weights, Tensor h, bool checkpoints)
    {
        var (i, kind) = program.Lines[k];
        Tensor w = weights[i].Value, v = weights[(i + 1) % Weights].Value, u = weights[(i + 2) % Weights].Value;
        var y = (w * h + v).Silu();
        if (kind < 0.3) _ = u * h;
        if (kind is > 0.2 and < 0.5) y = y.Dropout(0.3f);
        if (kind <= 0.6) return y;
        return checkpoints ? Tape.Checkpoint(z => (w * z).Silu(), y) : (w * y).Silu();
    }

    private readonly struct PlainDescent(float learningRate) : IUpdate<PlainDescent>
    {
        public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> => p -= V.Of(learningRate) * g;
    }
}
