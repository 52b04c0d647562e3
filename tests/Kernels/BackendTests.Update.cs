namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(1031)]
    [InlineData(16_387)]
    public void Update_agrees_with_the_reference(int count)
    {
        for (int states = 0; states < 4; states++)
        {
            View g = Random(1, count), p = Random(2, (count, 1));
            View s0 = (states & 1) != 0 ? Random(3, count) : default, s1 = (states & 2) != 0 ? Positive(4, count) : default;
            View expectedP = Mirror(p), expected0 = Mirror(s0), expected1 = Mirror(s1);
            Device.Update(new TestAdam(0.1f, 0.9f, 0.99f), g, p, s0, s1);
            Reference.Update(new TestAdam(0.1f, 0.9f, 0.99f), Mirror(g), expectedP, expected0, expected1);
            Near(p, expectedP, what: $"states {states}, p");
            if (!s0.IsAbsent) Near(s0, expected0, what: $"states {states}, s0");
            if (!s1.IsAbsent) Near(s1, expected1, what: $"states {states}, s1");
        }
    }

    [Fact]
    public void Update_gives_the_same_bits_for_any_threads() => SameBitsForAnyThreads(device =>
    {
        View g = Random(device, 1, 70_001), p = Random(device, 2, 70_001), s0 = Random(device, 3, 70_001), s1 = Random(device, 4, 70_001);
        Absolute(s1);
        device.Update(new TestAdam(0.1f, 0.9f, 0.99f), g, p, s0, s1);
        return [p, s0, s1];
    });

    private View Positive(int seed, Shape shape)
    {
        var view = Random(seed, shape);
        Absolute(view);
        return view;
    }

    private static void Absolute(in View view) => Edit<float>(view, all => { foreach (ref float x in all) x = Math.Abs(x); });
}
