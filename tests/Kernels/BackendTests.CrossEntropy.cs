namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    private const int Ignored = -100;

    /// <summary>Rows, classes.</summary>
    public static TheoryData<int, int> CrossEntropySizes => new()
    {
        { 0, 5 }, { 1, 1 }, { 3, 2 }, { 5, 15 }, { 5, 16 }, { 7, 17 }, { 300, 65 }, { 9, 1000 }, { 3, 4097 }, { 1, 50304 },
    };

    /// <summary>What is added to all logits of a row.</summary>
    public static TheoryData<float> CommonOffsets => new(0, 1e2f, -1e2f, 1e4f, 1e6f, -1e6f, 1e8f);

    /// <summary>
    /// Largest error of a row's loss, of itself or of 1 where it is less, and of a gradient's element, of the 1 that it can be. The naive
    /// form in single precision adds one by one.
    /// </summary>
    private double CrossEntropyError => Device is ReferenceBackend<F1> ? 1e-4 : 3e-7;

    [Theory]
    [MemberData(nameof(CrossEntropySizes))]
    public void CrossEntropy_agrees_with_double_precision(int rows, int classes)
    {
        rows = Math.Min(rows, LargestExtent);
        JudgeCrossEntropy(Random(1, (rows, classes), scale: 8), Targets(rows, classes), $"{rows} rows of {classes}");
    }

    /// <summary>Loss and gradient of the logits as they are stored: at 1e8 these are multiples of 8.</summary>
    [Theory]
    [MemberData(nameof(CommonOffsets))]
    public void CrossEntropy_does_not_depend_on_a_common_offset(float offset)
    {
        foreach (float spread in (float[])[0, 0.1f, 4, 30, 300])
            foreach (int classes in (int[])[2, 17, 65, 1003, 8195])
            {
                var logits = Random(classes, (4, classes), scale: spread);
                Edit<float>(logits, all => { foreach (ref float x in all) x += offset; });
                JudgeCrossEntropy(logits, Targets(4, classes), $"offset {offset}, spread {spread}, {classes} classes");
            }
    }

    /// <summary>The padding of a short row must not count, however far from zero its logits are; nor may large logits overflow.</summary>
    [Theory]
    [InlineData(-1000f)]
    [InlineData(0f)]
    [InlineData(1000f)]
    [InlineData(-1e30f)]
    [InlineData(3e38f)]
    [InlineData(-3e38f)]
    public void CrossEntropy_of_equal_logits_is_the_logarithm_of_their_number(float logit)
    {
        foreach (int classes in (int[])[1, 3, 17, 65, 4099])
        {
            View logits = Random(1, (1, classes)), targets = Integers(1, classes - 1), stats = Floats((1, 2)), loss = Floats(1);
            Edit<float>(logits, all => all.Fill(logit));
            Device.Run(new CrossEntropy(logits, targets, Ignored, stats, loss));
            Closeness.OfItself(1, CrossEntropyError, Values(loss), [Math.Log(classes)], $"{classes} classes");
            Assert.Equal(logit, Values(stats)[0]);
            JudgeCrossEntropy(logits, targets, $"{classes} logits of {logit}");
        }
    }

    /// <summary>What is left of a sure row is far below the last place of 1.</summary>
    [Fact]
    public void CrossEntropy_of_a_sure_row_is_small_but_not_zero()
    {
        View logits = Floats((1, 65)), targets = Integers(1, 40), stats = Floats((1, 2)), loss = Floats(1), d = Floats((1, 65));
        Edit<float>(logits, all => all[40] = 20);
        double right = 64 * Math.Exp(-20);
        Device.Run(new CrossEntropy(logits, targets, Ignored, stats, loss));
        Device.Run(new CrossEntropyBack(logits, targets, Ignored, stats, Floats(1, 1), d));
        Closeness.OfScale(1, 2e-8, Values(loss), [right], "loss");
        Closeness.OfScale(1, 2e-8, [Values(d)[40]], [-right], "gradient of the target");
        if (Device is CpuBackend<F4> or CpuBackend<F8> or CpuBackend<F16>) Closeness.OfItself(0, 0.06, Values(loss), [right], "loss");
    }

    [Fact]
    public void CrossEntropy_takes_infinities_and_passes_on_nan()
    {
        const float inf = float.PositiveInfinity, nan = float.NaN;
        var logits = Floats((5, 3), 1, -inf, 1, 0, nan, 0, -inf, -inf, -inf, inf, 0, 0, 3e38f, -3e38f, 0);
        View stats = Floats((5, 2)), loss = Floats(5);
        Device.Run(new CrossEntropy(logits, Integers(5, 1, 0, 0, 0, 1), Ignored, stats, loss));
        Assert.Equal([inf, double.NaN, double.NaN, double.NaN, inf], Values(loss));
        Assert.Equal(Math.Log(2), Values(stats)[1], 1e-6);
    }

    [Fact]
    public void CrossEntropy_finds_the_only_finite_logit_of_a_long_row()
    {
        View logits = Random(1, (1, 20_000)), stats = Floats((1, 2)), loss = Floats(1);
        Edit<float>(logits, all => all.Fill(float.NegativeInfinity));
        Edit<float>(logits, all => all[15_001] = -5);
        Device.Run(new CrossEntropy(logits, Integers(1, 15_001), Ignored, stats, loss));
        Assert.Equal([-5.0, 0.0, 0.0], [.. Values(stats), .. Values(loss)]);
    }

    /// <summary>An ignored row's gradient is zero even where its logits are not numbers.</summary>
    [Fact]
    public void CrossEntropyBack_clears_ignored_rows()
    {
        var logits = Floats((1, 2), float.NaN, float.PositiveInfinity);
        View stats = Floats((1, 2)), loss = Floats(1, 7), d = Random(1, (1, 2));
        Device.Run(new CrossEntropy(logits, Integers(1, Ignored), Ignored, stats, loss));
        Device.Run(new CrossEntropyBack(logits, Integers(1, Ignored), Ignored, stats, Floats(1, 1), d));
        Assert.Equal([0.0, 0.0, 0.0], [.. Values(loss), .. Values(d)]);
    }

    [Fact]
    public void CrossEntropy_has_the_same_bits_for_any_threads()
    {
        View logits = Random(1, (64, 1003), scale: 8), targets = Targets(64, 1003);
        SameBitsForAnyThreads(backend =>
        {
            View stats = Floats((64, 2)), loss = Floats(64), d = Floats((64, 1003));
            backend.Run(new CrossEntropy(logits, targets, Ignored, stats, loss));
            backend.Run(new CrossEntropyBack(logits, targets, Ignored, stats, Floats(1, 1), d));
            return [stats, loss, d];
        });
    }

    /// <summary>
    /// Runs both kernels, the gradient written, added to what is there, and in place, and compares them with sums in double precision of
    /// the logits alone.
    /// </summary>
    private void JudgeCrossEntropy(in View logits, in View targets, string what)
    {
        long rows = logits.Shape[0];
        View stats = Random(2, (rows, 2)), loss = Random(3, rows), one = Floats(1, 1), d = Random(4, logits.Shape);
        View added = Clone(d), inPlace = Clone(logits);
        var (rightLoss, right) = ExactCrossEntropy(logits, targets);
        double[] before = Values(d), sum = [.. right.Zip(before, (a, b) => a + b)];
        Device.Run(new CrossEntropy(logits, targets, Ignored, stats, loss));
        Closeness.OfItself(1, CrossEntropyError, Values(loss), rightLoss, $"loss, {what}");
        Device.Run(new CrossEntropyBack(logits, targets, Ignored, stats, one, d));
        Closeness.OfScale(1, CrossEntropyError, Values(d), right, $"gradient, {what}");
        Device.Run(new CrossEntropyBack(logits, targets, Ignored, stats, one, added, Add: true));
        Closeness.OfScale(2, CrossEntropyError, Values(added), sum, $"gradient added, {what}");
        Device.Run(new CrossEntropyBack(inPlace, targets, Ignored, stats, one, inPlace));
        SameBits(inPlace, d, $"in place, {what}");
        var twice = Clone(d);
        Device.Run(new CrossEntropyBack(logits, targets, Ignored, stats, Floats(1, 2), twice));
        Closeness.OfItself(1e-37, 1e-7, Values(twice), [.. Values(d).Select(x => 2 * x)], $"twice the gradient, {what}");
    }

    /// <summary>Loss per row and gradient in double precision.</summary>
    private static (double[] Loss, double[] Gradient) ExactCrossEntropy(in View logits, in View targets)
    {
        double[] x = Values(logits), gradient = new double[x.Length];
        int n = (int)logits.Shape[1];
        var loss = new double[targets.Count];
        int[] wanted = All<int>(targets);
        for (int i = 0; i < loss.Length; i++)
        {
            int target = wanted[i];
            if (target == Ignored) continue;
            var row = x.AsSpan(i * n, n).ToArray();
            double largest = row.Max(), sum = row.Sum(v => Math.Exp(v - largest));
            loss[i] = largest - row[target] + Math.Log(sum);
            for (int j = 0; j < n; j++) gradient[i * n + j] = Math.Exp(row[j] - largest) / sum - (j == target ? 1 : 0);
        }

        return (loss, gradient);
    }

    /// <summary>First and last class, ignored rows, and what lies between.</summary>
    private View Targets(int rows, int classes)
    {
        var targets = Enumerable.Range(0, rows).Select(i =>
            (i % 4) switch { 0 => classes - 1, 1 => 0, 2 => Ignored, _ => i * 7919 % classes });
        return Integers(rows, [.. targets]);
    }
}
