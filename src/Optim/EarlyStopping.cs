namespace Mayfly;

/// <summary>Says when a validation loss has stopped getting better, and which was the best.</summary>
/// <param name="patience">Measurements in a row without a better one after which to stop, at least 1.</param>
/// <param name="leastGain">By how much a loss must be lower than the best one to count as better.</param>
/// <exception cref="ArgumentOutOfRangeException">A patience below 1, or a negative gain.</exception>
public sealed class EarlyStopping(int patience, double leastGain = 0)
{
    private readonly int patience = patience >= 1 ? patience
        : throw new ArgumentOutOfRangeException(nameof(patience), $"EarlyStopping: a patience of {patience} measurements; at least 1.");
    private readonly double leastGain = leastGain >= 0 ? leastGain
        : throw new ArgumentOutOfRangeException(nameof(leastGain), $"EarlyStopping: a least gain of {leastGain}; it is not negative.");
    private int since;

    /// <summary>The best loss so far; infinity before the first.</summary>
    public double Best { get; private set; } = double.PositiveInfinity;

    /// <summary>The step of <see cref="Best"/>; -1 before the first.</summary>
    public long BestStep { get; private set; } = -1;

    /// <summary>True where so many measurements in a row were no better that training should stop.</summary>
    public bool Stops => since >= patience;

    /// <summary>Takes a measurement; NaN is never better.</summary>
    /// <returns>True where it is the best so far: the time to save the best snapshot.</returns>
    public bool Note(long step, double loss)
    {
        bool isBetter = loss < Best - leastGain || double.IsPositiveInfinity(Best) && loss < Best;
        since = isBetter ? 0 : since + 1;
        if (isBetter) (Best, BestStep) = (loss, step);
        return isBetter;
    }
}
