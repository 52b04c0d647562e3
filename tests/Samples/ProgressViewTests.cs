using System.Globalization;
using Spectre.Console;
using TrainGpt;

namespace Mayfly.Tests;

public class ProgressViewTests
{
    [Theory]
    [InlineData(0, "0:00")]
    [InlineData(65, "1:05")]
    [InlineData(3599, "59:59")]
    [InlineData(3600, "1:00:00")]
    [InlineData(93784, "26:03:04")]
    public void Times_are_short(int seconds, string text) => Assert.Equal(text, RunClock.Clock(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(512, "0.5 KiB")]
    [InlineData(1 << 20, "1.0 MiB")]
    public void Sizes_are_short(long bytes, string text) => Assert.Equal(text, RunClock.Size(bytes));

    [Fact]
    public void The_live_display_shows_the_last_step()
    {
        var output = new StringWriter(CultureInfo.InvariantCulture);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes });
        new ProgressView(console, new RunClock(0, 4)).Show(report =>
        {
            report(Status(3, 2.5, 2.25));
            report(Status(4, 2.5, null));
        });
        foreach (string part in new[] { "4 of 4", "2.5000", "2.2500 at step 3", "0.001", "1,234", "1.0 MiB live, 2.0 MiB at peak",
            "time left" })
            Assert.Contains(part, output.ToString());
    }

    private static StepStatus Status(long step, double loss, double? validation) =>
        new(new StepReport { Step = step, Loss = loss, LearningRate = 1e-3, GradientNorm = 1, Clipped = false, WithoutGradient = [],
            PeakBytes = 2 << 20 }, validation, 1234, 1 << 20);
}
