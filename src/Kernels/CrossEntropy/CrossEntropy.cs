namespace Mayfly;

/// <summary>
/// Per row of logits: its largest and log sum exp(logits - largest), kept apart, so that neither loss nor gradient depends on what is added
/// to all logits of a row; loss[i] = (largest - logits[i, target]) + logSum, or 0 where the target is ignored.
/// </summary>
/// <param name="Logits">(N, V), contiguous.</param>
/// <param name="Targets">I32 (N), each in [0, V) or <paramref name="IgnoreIndex"/>.</param>
/// <param name="IgnoreIndex">The target of rows that do not count.</param>
/// <param name="Stats">(N, 2): each row's largest logit and logSum.</param>
/// <param name="Loss">(N)</param>
public readonly partial record struct CrossEntropy(View Logits, View Targets, int IgnoreIndex, View Stats, View Loss) : IKernel
{
    /// <inheritdoc/>
    public KernelCost Cost => new KernelCost("CrossEntropy").Reads(Logits, Targets).Writes(Stats).Writes(Loss);

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        long n = Logits.Shape[-1];
        for (long i = 0; i < Targets.Count; i++)
        {
            V largest = V.Of(float.NegativeInfinity), sum = V.Of(0f);
            for (long j = 0; j < n; j++) largest = V.Max(largest, device.Get(Logits, i * n + j));
            for (long j = 0; j < n; j++) sum += V.Exp(device.Get(Logits, i * n + j) - largest);
            V logSum = V.Log(sum);
            int target = device.Id(Targets, i);
            device.Set(Stats, 2 * i, largest);
            device.Set(Stats, 2 * i + 1, logSum);
            device.Set(Loss, i, target == IgnoreIndex ? V.Of(0f) : largest - device.Get(Logits, i * n + target) + logSum);
        }
    }
}
