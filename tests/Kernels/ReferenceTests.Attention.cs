namespace Mayfly.Tests;

public sealed partial class ReferenceTests
{
    /// <summary>The gradients of sum(dy y) against central differences of the forward pass.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Attention_gradients_are_finite_differences(bool causal)
    {
        Shape ofQueries = (1, 5, 4, 3), ofKeys = (1, 7, 2, 3);
        View q = Mirror(Random(1, ofQueries)), k = Mirror(Random(2, ofKeys)), v = Mirror(Random(3, ofKeys));
        View y = Mirror(Random(4, ofQueries)), dy = Mirror(Random(5, ofQueries)), lse = Mirror(Random(6, (1, 4, 5)));
        View dq = Mirror(Random(7, ofQueries)), dk = Mirror(Random(8, ofKeys)), dv = Mirror(Random(9, ofKeys));
        var args = new AttentionArgs { Q = q, K = k, V = v, Y = y, Lse = lse, Dy = dy, Dq = dq, Dk = dk, Dv = dv, Scale = 0.7f, Causal = causal };
        Reference.Attend(args);
        Reference.AttendBack(args);
        foreach (var (x, dx) in ((View, View)[])[(q, dq), (k, dk), (v, dv)])
            for (int i = 0; i < x.Count; i++)
                Assert.Equal(Slope(args, x, i), Values(dx)[i], 1e-8);
    }

    private double Slope(AttentionArgs args, View x, int i)
    {
        const double Step = 1e-5;
        double old = All<double>(x)[i], above = Loss(old + Step), below = Loss(old - Step);
        All<double>(x)[i] = old;
        return (above - below) / (2 * Step);

        double Loss(double value)
        {
            All<double>(x)[i] = value;
            Reference.Attend(args);
            return Values(args.Y).Zip(Values(args.Dy), (a, b) => a * b).Sum();
        }
    }
}
