namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void CrossEntropy(in View logits, in View targets, int ignoreIndex, in View lse, in View loss)
    {
        long n = logits.Shape[-1];
        for (long i = 0; i < targets.Count; i++)
        {
            V largest = V.Of(float.NegativeInfinity), sum = Zero;
            for (long j = 0; j < n; j++) largest = V.Max(largest, Get(logits, i * n + j));
            for (long j = 0; j < n; j++) sum += V.Exp(Get(logits, i * n + j) - largest);
            V logSum = largest + V.Log(sum);
            int target = Id(targets, i);
            Set(lse, i, logSum);
            Set(loss, i, target == ignoreIndex ? Zero : logSum - Get(logits, i * n + target));
        }
    }

    /// <inheritdoc/>
    public override void CrossEntropyBack(
        in View logits, in View targets, int ignoreIndex, in View lse, in View dloss, float scale, in View dlogits, bool add)
    {
        long n = logits.Shape[-1];
        V factor = Get(dloss, 0) * V.Of(scale);
        for (long i = 0; i < targets.Count; i++)
        {
            int target = Id(targets, i);
            for (long j = 0; j < n; j++)
            {
                V probability = V.Exp(Get(logits, i * n + j) - Get(lse, i));
                V gradient = factor * (probability - V.Of(j == target ? 1f : 0f));
                Set(dlogits, i * n + j, target == ignoreIndex ? Zero : gradient, add);
            }
        }
    }
}
