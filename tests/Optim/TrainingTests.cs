namespace Mayfly.Tests;

/// <summary>The loop over batches.</summary>
public class TrainingTests
{
    /// <summary>The same bits as a loop by hand, nothing left of a step, and a batch that is disposed after its step.</summary>
    [Fact]
    public void Fit_is_the_loop()
    {
        float[][] weights = [.. new[] { true, false }.Select(fits =>
        {
            using var device = Device.CreateCpu(threads: 1);
            using var weight = new Parameter("w", (2, 3), Role.Hidden, device);
            weight.Value.Fill(0.5);
            using var updater = new Updater([weight], Route.Default(new AdamW()), new UpdaterOptions { Schedule = 0.1 });
            var batches = Enumerable.Range(1, 5).Select(i => Tensor.Full((2, 3), i, device).Keep());
            if (fits) Assert.Equal(5, updater.Fit(batches, x => Loss(weight, x))!.Step);
            else
                foreach (var batch in batches)
                {
                    using (device.Scope("step")) updater.Step(() => Loss(weight, batch));
                    batch.Dispose();
                }

            Assert.Equal(0, device.Arena.Report.Live(Use.Activation));
            return weight.Value.ToArray();
        })];
        Assert.Equal(weights[0], weights[1]);
    }

    [Fact]
    public void Fit_stops_where_it_is_asked_to()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var weight = new Parameter("w", (2, 3), Role.Hidden, device);
        weight.Value.Fill(0.5);
        using var updater = new Updater([weight], Route.Default(new Sgd()), new UpdaterOptions { Schedule = 0.1 });
        int[] endless = [.. Enumerable.Range(0, 100)];
        Assert.Equal(3, updater.Fit(endless, _ => Loss(weight, weight.Value), report => report.Step < 3)!.Step);
        using var stop = new CancellationTokenSource();
        var steps = new List<long>();
        var listener = new Listener(report =>
        {
            steps.Add(report.Step);
            if (report.Step == 5) stop.Cancel();
        });
        Assert.Equal(5, updater.Fit(endless, _ => Loss(weight, weight.Value), listener, stop.Token)!.Step);
        Assert.Equal([4, 5], steps);
        Assert.Null(updater.Fit(endless, _ => Loss(weight, weight.Value), stop: stop.Token));
        Assert.Null(updater.Fit(Array.Empty<int>(), _ => Loss(weight, weight.Value)));
    }

    private static Tensor Loss(Parameter weight, Tensor x) => (weight.Value * x).Mean();

    private sealed class Listener(Action<StepReport> hears) : IProgress<StepReport>
    {
        public void Report(StepReport value) => hears(value);
    }
}
