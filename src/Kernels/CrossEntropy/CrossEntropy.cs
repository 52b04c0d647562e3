namespace Mayfly;

/// <summary>Per row of logits: lse[i] = log sum exp, loss[i] = lse[i] - logits[i, target], or 0 where the target is ignored.</summary>
/// <param name="Logits">(N, V), contiguous.</param>
/// <param name="Targets">I32 (N), each in [0, V) or <paramref name="IgnoreIndex"/>.</param>
/// <param name="IgnoreIndex">The target of rows that do not count.</param>
/// <param name="Lse">(N)</param>
/// <param name="Loss">(N)</param>
public readonly partial record struct CrossEntropy(View Logits, View Targets, int IgnoreIndex, View Lse, View Loss) : IKernel
{
    /// <inheritdoc/>
    public KernelCost Cost => new KernelCost("CrossEntropy").Reads(Logits, Targets).Writes(Lse).Writes(Loss);

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        long n = Logits.Shape[-1];
        for (long i = 0; i < Targets.Count; i++)
        {
            V largest = V.Of(float.NegativeInfinity), sum = V.Of(0f);
            for (long j = 0; j < n; j++) largest = V.Max(largest, device.Get(Logits, i * n + j));
            for (long j = 0; j < n; j++) sum += V.Exp(device.Get(Logits, i * n + j) - largest);
            V logSum = largest + V.Log(sum);
            int target = device.Id(Targets, i);
            device.Set(Lse, i, logSum);
            device.Set(Loss, i, target == IgnoreIndex ? V.Of(0f) : logSum - device.Get(Logits, i * n + target));
        }
    }
}
