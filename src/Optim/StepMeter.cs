using System.Diagnostics.Metrics;

namespace Mayfly;

/// <summary>
/// What <c>dotnet-counters monitor --counters Mayfly</c> shows of training: <c>mayfly.steps</c>, and of the last step that was read
/// <c>mayfly.loss</c>, <c>mayfly.gradient_norm</c> and <c>mayfly.learning_rate</c>. Where nobody listens a step pays four tests.
/// </summary>
internal static class StepMeter
{
    private static readonly Meter meter = new("Mayfly");
    private static readonly Counter<long> steps = meter.CreateCounter<long>("mayfly.steps", "{step}", "Steps of training.");
    private static readonly Gauge<double> loss = meter.CreateGauge<double>("mayfly.loss", null, "The loss of the last step.");
    private static readonly Gauge<double> gradientNorm =
        meter.CreateGauge<double>("mayfly.gradient_norm", null, "The norm of all gradients of the last step, before clipping.");
    private static readonly Gauge<double> learningRate =
        meter.CreateGauge<double>("mayfly.learning_rate", null, "The learning rate of the last step.");

    /// <summary>Tells a step; what was not read is left out.</summary>
    public static void Add(StepReport report)
    {
        steps.Add(1);
        learningRate.Record(report.LearningRate);
        if (loss.Enabled && !double.IsNaN(report.Loss)) loss.Record(report.Loss);
        if (gradientNorm.Enabled && !double.IsNaN(report.GradientNorm)) gradientNorm.Record(report.GradientNorm);
    }
}
