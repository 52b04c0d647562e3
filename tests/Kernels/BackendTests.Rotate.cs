namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    public static TheoryData<int, int, int, int> RotateSizes => new()
    {
        { 1, 1, 1, 2 }, { 2, 3, 2, 6 }, { 1, 5, 3, 32 }, { 2, 7, 2, 34 }, { 2, 9, 3, 64 }, { 1, 2, 1, 1030 },
    };

    [Theory]
    [MemberData(nameof(RotateSizes))]
    public void Rotate_agrees_with_the_reference(int batch, int time, int heads, int size)
    {
        var table = Angles(time, size);
        foreach (var spread in (Spread[])[Spread.Dense, Spread.Gaps])
            for (int flags = 0; flags < 8; flags++)
            {
                bool halves = (flags & 1) != 0, inverse = (flags & 2) != 0, add = (flags & 4) != 0;
                View x = Random(1, (batch, time, heads, size), spread), y = Random(2, (batch, time, heads, size), spread);
                var expected = Mirror(y);
                Device.Run(new Rotate(x, table, y, halves, inverse, add));
                Reference.Run(new Rotate(Mirror(x), Mirror(table), expected, halves, inverse, add));
                Near(y, expected, 1e-6, 1e-6, $"{spread}, halves {halves}, inverse {inverse}, add {add}");
            }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rotate_turns_back_in_place(bool halves)
    {
        View x = Random(1, (2, 5, 3, 38)), y = Clone(x), table = Angles(5, 38);
        Device.Run(new Rotate(y, table, y, halves));
        Assert.NotEqual(Values(x), Values(y));
        Device.Run(new Rotate(y, table, y, halves, Inverse: true));
        Near(y, Mirror(x), 1e-6, 1e-6);
    }

    /// <summary>A quarter turn takes (1, 2) to (-2, 1), whichever pairs there are.</summary>
    [Fact]
    public void Rotate_pairs_neighbours_or_halves()
    {
        View x = Floats((1, 1, 1, 4), 1, 2, 3, 4), y = Floats((1, 1, 1, 4)), table = Floats((1, 2, 2), 0, 1, 0, 1);
        Device.Run(new Rotate(x, table, y, Halves: false));
        Assert.Equal([-2.0, 1, -4, 3], Values(y));
        Device.Run(new Rotate(x, table, y, Halves: true));
        Assert.Equal([-3.0, -4, 1, 2], Values(y));
    }

    /// <summary>(T, D / 2, 2)</summary>
    private View Angles(int time, int size)
    {
        var pairs = Enumerable.Range(0, time * size / 2).SelectMany(i => (float[])[MathF.Cos(i + 1), MathF.Sin(i + 1)]);
        return Floats((time, size / 2, 2), [.. pairs]);
    }
}
