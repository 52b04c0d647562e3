namespace Mayfly;

/// <summary>The gradients of <see cref="Attend"/>.</summary>
/// <param name="Forward">The forward call, done, with its log-sum-exp.</param>
/// <param name="Dy">Upstream gradient (B, T, H, D).</param>
/// <param name="Dq">Gradient of the queries, written whole.</param>
/// <param name="Dk">Gradient of the keys, written whole.</param>
/// <param name="Dv">Gradient of the values, written whole.</param>
public readonly partial record struct AttendBack(Attend Forward, View Dy, View Dq, View Dk, View Dv) : IKernel
{
    /// <summary>Five products: the scores again, and the gradients of weights, queries, keys and values.</summary>
    public KernelCost Cost => new KernelCost("AttendBack", Flops: 5 * Forward.Product)
        .Reads(Forward.Q, Forward.K, Forward.V, Forward.Y, Forward.Lse, Forward.First, Forward.Lengths, Forward.Bias, Dy)
        .Writes(Dq).Writes(Dk).Writes(Dv);

    /// <inheritdoc/>
    public void On<R>(ReferenceBackend<R> device) where R : struct, IMemoryLane<R>
    {
        device.Fill(Dq, 0);
        device.Fill(Dk, 0);
        device.Fill(Dv, 0);
        var shape = Forward.Q.Shape;
        for (long b = 0; b < shape[0]; b++)
            for (long h = 0; h < shape[2]; h++)
                for (long t = 0; t < shape[1]; t++) OfQuery(device, b, h, t);
    }

    /// <summary>Adds the gradients that flow through the probabilities of one query.</summary>
    private void OfQuery<R>(ReferenceBackend<R> device, long b, long h, long t) where R : struct, IMemoryLane<R>
    {
        long g = Forward.Group(h), size = Forward.Q.Shape[3];
        var p = Forward.Probabilities(device, b, h, t, out _, out _);
        var dp = new R[p.Length];
        R mean = R.Of(0f); // of dp under p
        for (int i = 0; i < p.Length; i++)
        {
            dp[i] = R.Of(0f);
            for (long d = 0; d < size; d++) dp[i] += device.Get(Dy, b, t, h, d) * device.Get(Forward.V, b, p[i].Key, g, d);
            mean += p[i].Weight * dp[i];
        }

        for (int i = 0; i < p.Length; i++)
        {
            var (s, weight) = p[i];
            R dScore = R.Of(Forward.Scale) * weight * (dp[i] - mean);
            for (long d = 0; d < size; d++)
            {
                device.Set(Dq, b, t, h, d, dScore * device.Get(Forward.K, b, s, g, d), add: true);
                device.Set(Dk, b, s, g, d, dScore * device.Get(Forward.Q, b, t, h, d), add: true);
                device.Set(Dv, b, s, g, d, weight * device.Get(Dy, b, t, h, d), add: true);
            }
        }
    }
}
