namespace Mayfly;

/// <summary>
/// dlogits[i, j] = dloss (exp((logits[i, j] - largest[i]) - logSum[i]) - [j == target]), or += it; dlogits may be logits. Ignored rows
/// get zero, even where a logit is not a number.
/// </summary>
/// <param name="Logits">(N, V), contiguous.</param>
/// <param name="Targets">I32 (N), each in [0, V) or <paramref name="IgnoreIndex"/>.</param>
/// <param name="IgnoreIndex">The target of rows that do not count.</param>
/// <param name="Stats">(N, 2): largest and logSum, from <see cref="CrossEntropy"/>.</param>
/// <param name="Dloss">One element.</param>
/// <param name="Dlogits">(N, V), contiguous.</param>
/// <param name="Add">Adds the result to dlogits.</param>
public readonly partial record struct CrossEntropyBack(
    View Logits, View Targets, int IgnoreIndex, View Stats, View Dloss, View Dlogits, bool Add = false) : IKernel
{
    /// <inheritdoc/>
    public KernelCost Cost => new KernelCost("CrossEntropyBack").Reads(Logits, Targets, Stats, Dloss).Writes(Dlogits, Add);

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        long n = Logits.Shape[-1];
        V factor = device.Get(Dloss, 0);
        for (long i = 0; i < Targets.Count; i++)
        {
            int target = device.Id(Targets, i);
            for (long j = 0; j < n; j++)
            {
                V probability = V.Exp(device.Get(Logits, i * n + j) - device.Get(Stats, 2 * i) - device.Get(Stats, 2 * i + 1));
                V gradient = factor * (probability - V.Of(j == target ? 1f : 0f));
                device.Set(Dlogits, i * n + j, target == IgnoreIndex ? V.Of(0f) : gradient, Add);
            }
        }
    }
}
