namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    /// <summary>Rows of the table, ids, columns.</summary>
    public static TheoryData<int, int, int> GatherSizes => new()
    {
        { 1, 1, 1 }, { 3, 0, 5 }, { 2, 7, 15 }, { 5, 31, 16 }, { 65, 100, 33 }, { 11, 700, 67 }, { 7, 40, 1031 },
    };

    [Theory]
    [MemberData(nameof(GatherSizes))]
    public void Gather_copies_the_rows_of_the_ids(int rows, int count, int width)
    {
        var table = Random(1, (rows, width));
        var ids = Ids(rows, count);
        View y = Random(2, (count, width)), expected = Mirror(y);
        Device.Run(new Gather(table, ids, y));
        Reference.Run(new Gather(Mirror(table), Mirror(ids), expected));
        Near(y, expected, 0, 0);
    }

    [Fact]
    public void Gather_takes_ids_of_any_rank()
    {
        var table = Random(1, (4, 3));
        var ids = Integers((2, 2), 3, 0, 1, 3);
        var y = Random(2, (2, 2, 3));
        Device.Run(new Gather(table, ids, y));
        int[] rows = All<int>(ids);
        for (int i = 0; i < 4; i++)
            Assert.Equal(Values(table).AsSpan(3 * rows[i], 3).ToArray(), Values(y).AsSpan(3 * i, 3).ToArray());
    }

    [Theory]
    [MemberData(nameof(GatherSizes))]
    public void ScatterAdd_sums_each_row_in_the_order_of_the_ids(int rows, int count, int width)
    {
        View table = Random(1, (rows, width)), dy = Random(2, (count, width)), ids = Ids(rows, count);
        var expected = Values(table).Select(x => (float)x).ToArray();
        int[] rowOf = All<int>(ids);
        float[] added = All<float>(dy);
        for (int i = 0; i < count; i++)
            for (int j = 0; j < width; j++) expected[rowOf[i] * width + j] += added[i * width + j];
        var mirror = Mirror(table);
        Reference.Run(new ScatterAdd(Mirror(dy), Mirror(ids), mirror));
        Device.Run(new ScatterAdd(dy, ids, table));
        Near(table, mirror, 1e-5, 1e-4);
        SameBits(table, Floats((rows, width), expected));
    }

    /// <summary>Ids that repeat, meet both ends of the table and stand in no order.</summary>
    private View Ids(int rows, int count)
    {
        int[] ids = [.. Enumerable.Range(0, count).Select(i => i * 7919 % 13 * 31 % rows)];
        if (count > 1) ids[count / 2] = rows - 1;
        return Integers(count, ids);
    }
}
