using System.Diagnostics;
using System.Globalization;

namespace TrainGpt;

/// <summary>Says how far a long evaluation is: a line on a terminal, or one every ten seconds among the errors.</summary>
internal static class EvaluationLine
{
    private const double SecondsBetweenLines = 10, SecondsOnScreen = 0.5;

    /// <summary>Hears of each batch.</summary>
    public static Action<EvaluationProgress> To(CommandContext context)
    {
        long last = Stopwatch.GetTimestamp();
        return progress =>
        {
            if (Stopwatch.GetElapsedTime(last).TotalSeconds < (context.IsLive ? SecondsOnScreen : SecondsBetweenLines)) return;
            last = Stopwatch.GetTimestamp();
            if (context.IsLive) context.Screen.Write($"\r{Text(progress)} \r");
            else context.Errors.WriteLine(Text(progress));
        };
    }

    /// <summary>How far it is.</summary>
    public static string Text(EvaluationProgress progress) => string.Create(CultureInfo.InvariantCulture,
        $"evaluating: {progress.Percent} % of {progress.Of:N0} tokens");
}
