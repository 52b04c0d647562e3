using Mayfly.Benches;

namespace Mayfly.Tests;

/// <summary>
/// A fault at each allocation and at each kernel call of a step. The step must be either unmoved - every weight and state as before, and
/// repeating it gives the bits of a run without a fault - or torn, and then the next is refused; and nothing may leak.
/// </summary>
internal static class Faults
{
    /// <summary>A step's form.</summary>
    private readonly record struct Form(RuleLine Line, UpdateMode Mode, int MicroBatches, bool Checkpoint);

    /// <summary>Every form of the rules' steps.</summary>
    /// <returns>The counts, in one line.</returns>
    public static string Run(IEnumerable<RuleLine> lines, TextWriter output)
    {
        int[] total = new int[4];
        foreach (var line in lines)
        {
            int[] counts = new int[4];
            foreach (var mode in Enum.GetValues<UpdateMode>())
                foreach (int microBatches in (int[])[1, 2])
                    foreach (bool checkpoint in (bool[])[false, true]) Count(new(line, mode, microBatches, checkpoint), counts);
            for (int i = 0; i < 4; i++) total[i] += counts[i];
            output.WriteLine($"{line.Name}: {Text(counts)}");
        }

        return Text(total);
    }

    private static string Text(int[] counts) =>
        $"allocations {counts[0] + counts[1]} ({counts[0]} unmoved, {counts[1]} torn), "
        + $"kernel calls {counts[2] + counts[3]} ({counts[2]} unmoved, {counts[3]} torn), 0 leaks";

    private static void Count(Form form, int[] counts)
    {
        using var right = new Training(form);
        right.Step(1);
        var (allocations, calls) = right.Places(() => right.Step(2));
        double[] expected = right.Bits();
        for (int place = 0; place < allocations + calls; place++)
        {
            bool isCall = place >= allocations;
            bool torn = IsTorn(form, isCall, isCall ? place - allocations : place, expected);
            counts[(isCall ? 2 : 0) + (torn ? 1 : 0)]++;
        }
    }

    /// <summary>Fails the place in the second step; true where the model is torn.</summary>
    private static bool IsTorn(Form form, bool isCall, int place, double[] expected)
    {
        string what = $"{form}, {(isCall ? "kernel call" : "allocation")} {place}";
        using var run = new Training(form);
        run.Step(1);
        double[] before = run.Bits();
        long atRest = run.LiveBytes;
        run.Fail(isCall, place);
        Assert.Throws<InsufficientExecutionStackException>(() => run.Step(2));
        run.Heal();
        Assert.True(atRest == run.LiveBytes, $"{what}: {run.LiveBytes - atRest} bytes leaked.");
        if (run.IsTorn)
        {
            Assert.Throws<InvalidOperationException>(() => run.Step(2));
            return true;
        }

        Assert.True(before.SequenceEqual(run.Bits()), $"{what}: a weight or a state moved, yet the model is not torn.");
        run.Step(2);
        Assert.True(expected.SequenceEqual(run.Bits()), $"{what}: repeated, the step gave other bits.");
        return false;
    }

    /// <summary>A tiny model in training on a device that counts or fails.</summary>
    private sealed class Training : IDisposable
    {
        private readonly Form form;
        private readonly CountingBackend backend = new(new CpuBackend<F8>(1));
        private readonly Device device;
        private readonly TinyModel model;
        private readonly Updater updater;

        public Training(Form form)
        {
            this.form = form;
            device = new Device(backend);
            model = new TinyModel(device);
            var options = new UpdaterOptions { Seed = 3, Schedule = form.Line.LearningRate };
            updater = new Updater(model.Parameters, RuleTable.Everywhere(form.Line.Make(), form.Mode), options);
        }

        public bool IsTorn => updater.Torn;

        public long LiveBytes => device.Arena.Report.LiveBytes;

        public void Step(int number) => updater.Step(
            form.MicroBatches, k => model.Loss(number * 10 + k, 2, 0.1, form.Checkpoint, dropout: 0.2f));

        /// <summary>Weights and states.</summary>
        public double[] Bits() =>
        [
            .. model.Weights(), .. updater.States.SelectMany(s => s.Tensors).SelectMany(t => t.Value.ToArray()),
            .. updater.States.SelectMany(s => s.Numbers).Select(n => n.Value),
        ];

        /// <summary>Allocations and kernel calls of an action.</summary>
        public (int Allocations, int Calls) Places(Action action)
        {
            int allocations = 0, calls = 0;
            device.Arena.Renting = () => allocations++;
            backend.Calling = () => calls++;
            action();
            Heal();
            return (allocations, calls);
        }

        public void Fail(bool isCall, int place)
        {
            void Reached()
            {
                if (place-- == 0) throw new InsufficientExecutionStackException();
            }

            if (isCall) backend.Calling = Reached;
            else device.Arena.Renting = Reached;
        }

        public void Heal() => (backend.Calling, device.Arena.Renting) = (null, null);

        public void Dispose()
        {
            updater.Dispose();
            model.Dispose();
            device.Dispose();
        }
    }
}
