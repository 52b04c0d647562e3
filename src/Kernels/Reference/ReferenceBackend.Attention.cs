namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Attend(in AttentionArgs args)
    {
        long batch = args.Q.Shape[0], queries = args.Q.Shape[1], heads = args.Q.Shape[2], size = args.Q.Shape[3];
        for (long b = 0; b < batch; b++)
            for (long h = 0; h < heads; h++)
                for (long t = 0; t < queries; t++)
                {
                    var p = Probabilities(args, b, h, t, out V logSum);
                    long g = Group(args, h);
                    for (long d = 0; d < size; d++)
                    {
                        V sum = Zero;
                        for (long s = 0; s < p.Length; s++) sum += p[s] * Get(args.V, b, s, g, d);
                        Set(args.Y, b, t, h, d, sum);
                    }

                    if (!args.Lse.IsAbsent) Set(args.Lse, (b * heads + h) * queries + t, logSum);
                }
    }

    /// <inheritdoc/>
    public override void AttendBack(in AttentionArgs args)
    {
        Fill(args.Dq, 0);
        Fill(args.Dk, 0);
        Fill(args.Dv, 0);
        long batch = args.Q.Shape[0], queries = args.Q.Shape[1], heads = args.Q.Shape[2];
        for (long b = 0; b < batch; b++)
            for (long h = 0; h < heads; h++)
                for (long t = 0; t < queries; t++) BackOfQuery(args, b, h, t);
    }

    /// <summary>Adds the gradients that flow through the probabilities of one query.</summary>
    private static void BackOfQuery(in AttentionArgs args, long b, long h, long t)
    {
        long g = Group(args, h), size = args.Q.Shape[3];
        var p = Probabilities(args, b, h, t, out _);
        var dp = new V[p.Length];
        V mean = Zero; // of dp under p
        for (long s = 0; s < p.Length; s++)
        {
            dp[s] = Zero;
            for (long d = 0; d < size; d++) dp[s] += Get(args.Dy, b, t, h, d) * Get(args.V, b, s, g, d);
            mean += p[s] * dp[s];
        }

        for (long s = 0; s < p.Length; s++)
        {
            V dScore = V.Of(args.Scale) * p[s] * (dp[s] - mean);
            for (long d = 0; d < size; d++)
            {
                Add(args.Dq, b, t, h, d, dScore * Get(args.K, b, s, g, d));
                Add(args.Dk, b, s, g, d, dScore * Get(args.Q, b, t, h, d));
                Add(args.Dv, b, s, g, d, p[s] * Get(args.Dy, b, t, h, d));
            }
        }
    }

    /// <summary>The softmax of the scores of query t over the keys it sees.</summary>
    private static V[] Probabilities(in AttentionArgs args, long b, long h, long t, out V logSum)
    {
        long keys = args.K.Shape[1], size = args.Q.Shape[3], g = Group(args, h);
        var p = new V[args.Causal ? t + 1 + keys - args.Q.Shape[1] : keys];
        V largest = V.Of(float.NegativeInfinity), sum = Zero;
        for (long s = 0; s < p.Length; s++)
        {
            V dot = Zero;
            for (long d = 0; d < size; d++) dot += Get(args.Q, b, t, h, d) * Get(args.K, b, s, g, d);
            p[s] = V.Of(args.Scale) * dot;
            largest = V.Max(largest, p[s]);
        }

        for (long s = 0; s < p.Length; s++) sum += V.Exp(p[s] - largest);
        logSum = largest + V.Log(sum);
        for (long s = 0; s < p.Length; s++) p[s] = V.Exp(p[s] - largest) / sum;
        return p;
    }

    private static long Group(in AttentionArgs args, long head) => head / (args.Q.Shape[2] / args.K.Shape[2]);

    private static void Add(in View v, long a, long b, long c, long d, V x) => Set(v, a, b, c, d, Get(v, a, b, c, d) + x);
}
