using System.Diagnostics.Metrics;

namespace Mayfly.Tests;

/// <summary>What the meter "Mayfly" tells who listens, and that it costs nothing where nobody does.</summary>
public class MeterTests
{
    [ThreadStatic] private static List<(string Name, double Value)>? heard;

    [Fact]
    public void A_listener_hears_of_steps_tokens_and_memory()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using var model = new Gpt(new GptConfig { VocabularySize = 9, Context = 4, Layers = 1, Heads = 1, Width = 8 }, device);
        using var updater = new Updater(
            model.Parameters(), Route.Default(new AdamW()), new UpdaterOptions { Schedule = 0.25, ReadEvery = 2 });
        var ids = Tensor.From<int>([1, 2, 3, 4], (1, 4), device);
        using var listener = Listen();
        heard = []; // other threads, which run other tests, have none
        model.Loss(ids, ids); // without a tape nothing is trained
        updater.Step(() => model.Loss(ids, ids));
        Assert.Equal([("mayfly.tokens", 4), ("mayfly.steps", 1), ("mayfly.learning_rate", 0.25)], heard);
        heard.Clear();
        var report = updater.Step(() => model.Loss(ids, ids));
        Assert.Equal(
            [
                ("mayfly.tokens", 4), ("mayfly.steps", 1), ("mayfly.learning_rate", 0.25), ("mayfly.loss", report.Loss),
                ("mayfly.gradient_norm", report.GradientNorm),
            ],
            heard);
        heard.Clear();
        listener.RecordObservableInstruments();
        long weights = device.Arena.Report.Live(Use.Weight), state = device.Arena.Report.Live(Use.State);
        Assert.True(heard.Single(h => h.Name == "mayfly.memory weight").Value >= weights); // other devices have theirs
        Assert.True(heard.Single(h => h.Name == "mayfly.memory state").Value >= state);
        Assert.Equal(Enum.GetValues<Use>().Length, heard.Count);
        heard = null;
    }

    [Fact]
    public void Where_nobody_listens_nothing_is_allocated()
    {
        var report = new StepReport
        {
            Step = 1, Loss = 1, LearningRate = 1, GradientNorm = 1, Clipped = false, WithoutGradient = [], PeakBytes = 0,
        };
        StepMeter.Add(report);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) StepMeter.Add(report);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static MeterListener Listen()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == "Mayfly") self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Hear(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Hear(instrument, value, tags));
        listener.Start();
        return listener;
    }

    private static void Hear(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        heard?.Add((tags.IsEmpty ? instrument.Name : $"{instrument.Name} {tags[0].Value}", value));
}
