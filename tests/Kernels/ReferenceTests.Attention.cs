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
        var attend = new Attend { Q = q, K = k, V = v, Y = y, Lse = lse, Scale = 0.7, Causal = causal };
        Reference.Run(attend);
        Reference.Run(new AttendBack(attend, dy, dq, dk, dv));
        foreach (var (x, dx) in ((View, View)[])[(q, dq), (k, dk), (v, dv)])
            for (int i = 0; i < x.Count; i++)
                Assert.Equal(Slope(attend, dy, x, i), Values(dx)[i], 1e-8);
    }

    private double Slope(Attend attend, View dy, View x, int i)
    {
        const double Step = 1e-5;
        double old = All<double>(x)[i], above = Loss(old + Step), below = Loss(old - Step);
        Edit<double>(x, all => all[i] = old);
        return (above - below) / (2 * Step);

        double Loss(double value)
        {
            Edit<double>(x, all => all[i] = value);
            Reference.Run(attend);
            return Values(attend.Y).Zip(Values(dy), (a, b) => a * b).Sum();
        }
    }
}
