namespace Mayfly;

/// <summary>
/// Counts the rows whose largest logit is the target's, in the cross-entropies that this thread computes while it watches: accuracy without
/// logits, which a large vocabulary's loss never holds at one time. Each reads two numbers a row back, so that it waits for the device.
/// <code>
/// using var hits = TargetHits.Watch();
/// double loss = model.Loss(ids, targets).Item();
/// double accuracy = hits.Accuracy;
/// </code>
/// Logits that differ from the largest by less than the loss's rounding count as equal to it.
/// </summary>
public sealed class TargetHits : IDisposable
{
    [ThreadStatic] private static TargetHits? current;
    private readonly TargetHits? outer = current;

    private TargetHits()
    {
    }

    /// <summary>The rows that counted.</summary>
    public long Rows { get; private set; }

    /// <summary>Those of them whose target had the largest logit.</summary>
    public long Hits { get; private set; }

    /// <summary>The share of hits; NaN where no row counted.</summary>
    public double Accuracy => (double)Hits / Rows;

    /// <summary>Who counts on this thread; null for nobody.</summary>
    internal static TargetHits? Current => current;

    /// <summary>Begins to count on this thread, until it is disposed.</summary>
    public static TargetHits Watch() => current = new TargetHits();

    /// <summary>Counts no more.</summary>
    public void Dispose()
    {
        if (current == this) current = outer;
    }

    /// <summary>Takes in rows of a cross-entropy: their losses, and their largest logits with log sums, of which these are made.</summary>
    internal void Note(Tensor losses, Tensor stats, Tensor targets, int ignoreIndex, long first = 0)
    {
        int[] ids = targets.ToArray<int>();
        if (losses.Type == DType.F64) Count(losses.ToArray<double>(), stats.ToArray<double>(), ids, ignoreIndex, first);
        else Count(losses.ToArray(), stats.ToArray(), ids, ignoreIndex, first);
    }

    private void Count<T>(T[] losses, T[] stats, int[] ids, int ignoreIndex, long first) where T : IEquatable<T>
    {
        for (int i = 0; i < stats.Length / 2; i++)
        {
            if (ids[first + i] == ignoreIndex) continue;
            Rows++;
            if (losses[first + i].Equals(stats[2 * i + 1])) Hits++; // nothing but the log of the sum: the logit is the largest
        }
    }
}
