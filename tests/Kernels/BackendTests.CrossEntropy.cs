namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    private const int Ignored = -100;

    /// <summary>Rows, classes.</summary>
    public static TheoryData<int, int> CrossEntropySizes => new()
    {
        { 0, 5 }, { 1, 1 }, { 3, 2 }, { 5, 15 }, { 5, 16 }, { 7, 17 }, { 300, 65 }, { 9, 1000 }, { 3, 4097 }, { 1, 50304 },
    };

    [Theory]
    [MemberData(nameof(CrossEntropySizes))]
    public void CrossEntropy_agrees_with_the_reference(int rows, int classes)
    {
        rows = Math.Min(rows, LargestExtent);
        View logits = Random(1, (rows, classes), scale: 8), targets = Targets(rows, classes);
        View lse = Random(2, rows), loss = Random(3, rows), expectedLse = Mirror(lse), expectedLoss = Mirror(loss);
        Device.Run(new CrossEntropy(logits, targets, Ignored, lse, loss));
        Reference.Run(new CrossEntropy(Mirror(logits), Mirror(targets), Ignored, expectedLse, expectedLoss));
        // the naive single-precision sum of 50304 terms has no better bound
        double error = Device is ReferenceBackend<F1> ? 1e-4 : 2e-6;
        Near(lse, expectedLse, 1e-6, error);
        Near(loss, expectedLoss, 1e-6, 2 * error);
    }

    /// <summary>The padding of a short row must not count, however far from zero its logits are; nor may large logits overflow.</summary>
    [Theory]
    [InlineData(-1000f)]
    [InlineData(0f)]
    [InlineData(1000f)]
    [InlineData(-1e30f)]
    public void CrossEntropy_of_equal_logits_is_the_logarithm_of_their_number(float logit)
    {
        foreach (int classes in (int[])[1, 3, 17, 65, 4099])
        {
            View logits = Random(1, (1, classes)), lse = Floats(1), loss = Floats(1);
            All<float>(logits).Fill(logit);
            Device.Run(new CrossEntropy(logits, Integers(1, classes - 1), Ignored, lse, loss));
            Assert.Equal(logit + Math.Log(classes), Values(lse)[0], 1e-6 * Math.Abs(logit) + 1e-5);
        }
    }

    [Fact]
    public void CrossEntropy_takes_infinities_and_passes_on_nan()
    {
        const float inf = float.PositiveInfinity;
        var logits = Floats((2, 3), 1, -inf, 1, 0, float.NaN, 0);
        View lse = Floats(2), loss = Floats(2);
        Device.Run(new CrossEntropy(logits, Integers(2, 1, 0), Ignored, lse, loss));
        Assert.Equal(1 + Math.Log(2), Values(lse)[0], 1e-6);
        Assert.Equal(inf, Values(loss)[0]);
        Assert.Equal(double.NaN, Values(lse)[1]);
    }

    [Fact]
    public void CrossEntropy_finds_the_only_finite_logit_of_a_long_row()
    {
        View logits = Random(1, (1, 20_000)), lse = Floats(1), loss = Floats(1);
        All<float>(logits).Fill(float.NegativeInfinity);
        All<float>(logits)[15_001] = -5;
        Device.Run(new CrossEntropy(logits, Integers(1, 15_001), Ignored, lse, loss));
        Assert.Equal((-5.0, 0.0), (Values(lse)[0], Values(loss)[0]));
    }

    [Theory]
    [MemberData(nameof(CrossEntropySizes))]
    public void CrossEntropyBack_agrees_with_the_reference(int rows, int classes)
    {
        rows = Math.Min(rows, LargestExtent);
        View logits = Random(1, (rows, classes), scale: 8), targets = Targets(rows, classes), lse = Floats(rows), loss = Floats(rows);
        Device.Run(new CrossEntropy(logits, targets, Ignored, lse, loss));
        var dloss = Floats(1, 2.1f);
        foreach (bool add in (bool[])[false, true])
        {
            View d = Random(4, (rows, classes)), expected = Mirror(d);
            Device.Run(new CrossEntropyBack(logits, targets, Ignored, lse, dloss, d, add));
            Reference.Run(new CrossEntropyBack(Mirror(logits), Mirror(targets), Ignored, Mirror(lse), Mirror(dloss), expected, add));
            Near(d, expected, 4e-6, 2e-6, $"add {add}");
            if (add) continue;
            var inPlace = Clone(logits);
            Device.Run(new CrossEntropyBack(inPlace, targets, Ignored, lse, dloss, inPlace));
            SameBits(inPlace, d, "in place");
        }
    }

    /// <summary>With the losses multiplied by zero even a row of infinities ends as zeros, where it is ignored.</summary>
    [Fact]
    public void CrossEntropyBack_clears_ignored_rows()
    {
        var logits = Floats((1, 2), float.NaN, float.PositiveInfinity);
        var d = Random(1, (1, 2));
        Device.Run(new CrossEntropyBack(logits, Integers(1, Ignored), Ignored, Floats(1, float.NaN), Floats(1, 1), d));
        Assert.Equal([0.0, 0.0], Values(d));
    }

    [Fact]
    public void CrossEntropy_has_the_same_bits_for_any_threads()
    {
        View logits = Random(1, (64, 1003), scale: 8), targets = Targets(64, 1003);
        SameBitsForAnyThreads(backend =>
        {
            View lse = Floats(64), loss = Floats(64), d = Floats((64, 1003));
            backend.Run(new CrossEntropy(logits, targets, Ignored, lse, loss));
            backend.Run(new CrossEntropyBack(logits, targets, Ignored, lse, Floats(1, 1), d));
            return [lse, loss, d];
        });
    }

    /// <summary>First and last class, ignored rows, and what lies between.</summary>
    private View Targets(int rows, int classes)
    {
        var targets = Integers(rows);
        for (int i = 0; i < rows; i++)
            All<int>(targets)[i] = (i % 4) switch { 0 => classes - 1, 1 => 0, 2 => Ignored, _ => i * 7919 % classes };
        return targets;
    }
}
