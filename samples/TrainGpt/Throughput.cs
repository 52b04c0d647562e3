namespace TrainGpt;

/// <summary>
/// Tokens per second over the last second of training or more. What lies between steps, as evaluations and snapshots, does not count.
/// </summary>
/// <param name="tokensPerStep">The tokens of a step.</param>
internal sealed class Throughput(long tokensPerStep)
{
    private const double LeastSeconds = 1;
    private readonly Queue<(double Seconds, long Steps)> marks = new([(0, 0)]);
    private double seconds;
    private long steps;

    /// <summary>True once there was a second of training.</summary>
    public bool IsSettled => seconds >= LeastSeconds;

    /// <summary>The speed after more steps; before a second is over, that since the beginning.</summary>
    /// <param name="more">Their number.</param>
    /// <param name="took">The seconds that they took.</param>
    public double After(long more, double took)
    {
        (seconds, steps) = (seconds + took, steps + more);
        marks.Enqueue((seconds, steps));
        while (marks.Count > 2 && seconds - marks.ElementAt(1).Seconds >= LeastSeconds) marks.Dequeue();
        var (since, before) = marks.Peek();
        return (steps - before) * tokensPerStep / Math.Max(seconds - since, double.Epsilon);
    }
}
