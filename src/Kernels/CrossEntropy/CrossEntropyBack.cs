namespace Mayfly;

/// <summary>
/// dlogits[i, j] = dloss (exp(logits[i, j] - lse[i]) - [j == target]), zero for ignored rows, or += it; dlogits may be logits.
/// </summary>
/// <param name="Logits">(N, V), contiguous.</param>
/// <param name="Targets">I32 (N), each in [0, V) or <paramref name="IgnoreIndex"/>.</param>
/// <param name="IgnoreIndex">The target of rows that do not count.</param>
/// <param name="Lse">(N), from <see cref="CrossEntropy"/>.</param>
/// <param name="Dloss">One element.</param>
/// <param name="Dlogits">(N, V), contiguous.</param>
/// <param name="Add">Adds the result to dlogits.</param>
public readonly partial record struct CrossEntropyBack(
    View Logits, View Targets, int IgnoreIndex, View Lse, View Dloss, View Dlogits, bool Add = false) : IKernel
{
    /// <inheritdoc/>
    public KernelCost Cost => new KernelCost("CrossEntropyBack").Reads(Logits, Targets, Lse, Dloss).Writes(Dlogits, Add);

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
                V probability = V.Exp(device.Get(Logits, i * n + j) - device.Get(Lse, i));
                V gradient = factor * (probability - V.Of(j == target ? 1f : 0f));
                device.Set(Dlogits, i * n + j, target == IgnoreIndex ? V.Of(0f) : gradient, Add);
            }
        }
    }
}
