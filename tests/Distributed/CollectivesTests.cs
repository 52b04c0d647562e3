using System.Runtime.InteropServices;

namespace Mayfly.Tests;

/// <summary>What ranks do together, against the plain form of it.</summary>
public class CollectivesTests
{
    public static TheoryData<int> Ranks => [1, 2, 3, 5];

    [Theory]
    [MemberData(nameof(Ranks))]
    public void Sums_are_those_of_the_ranks_in_their_order_to_the_bit(int ranks)
    {
        foreach (int count in (int[])[1, 5, 1024, 1025, 270_000])
        {
            var expected = Values(0, count);
            for (int r = 1; r < ranks; r++)
                foreach (var (i, x) in Values(r, count).Index()) expected[i] += x;
            InProcess.Run(ranks, own =>
            {
                var (all, one) = (Values(own.Rank, count), Values(own.Rank, count));
                own.AllReduce<float>(all);
                Assert.Equal(expected, all);
                own.Reduce<float>(one, ranks - 1);
                Assert.Equal(own.Rank == ranks - 1 ? expected : Values(own.Rank, count), one);
            });
        }
    }

    [Theory]
    [MemberData(nameof(Ranks))]
    public void Each_rank_gets_its_part_of_a_sum(int ranks) => InProcess.Run(ranks, own =>
    {
        double[] from = [.. Enumerable.Range(0, ranks * 3).Select(i => (double)(i + own.Rank))], part = new double[3];
        own.ReduceScatter<double>(from, part);
        for (int i = 0; i < 3; i++) Assert.Equal(ranks * (own.Rank * 3 + i) + ranks * (ranks - 1) / 2, part[i]);
    });

    [Theory]
    [MemberData(nameof(Ranks))]
    public void Bytes_go_where_they_are_sent(int ranks) => InProcess.Run(ranks, own =>
    {
        int[] all = new int[ranks], mine = [own.Rank * 10], from = [.. Enumerable.Range(0, ranks).Select(r => own.Rank * 100 + r)];
        own.AllGather(Bytes(mine), Bytes(all));
        Assert.Equal(Enumerable.Range(0, ranks).Select(r => r * 10), all);
        own.AllToAll(Bytes(from), Bytes(all));
        Assert.Equal(Enumerable.Range(0, ranks).Select(r => r * 100 + own.Rank), all);
        own.Broadcast(Bytes(mine), ranks - 1);
        Assert.Equal((ranks - 1) * 10, mine[0]);
        all.AsSpan().Fill(-1);
        own.Gather(Bytes(from.AsSpan(0, 1)), own.Rank == 0 ? Bytes(all) : default, 0);
        Assert.Equal(own.Rank == 0 ? Enumerable.Range(0, ranks).Select(r => r * 100) : Enumerable.Repeat(-1, ranks), all);
        own.Barrier();
    });

    [Fact]
    public void What_is_started_is_done_in_its_order_while_others_go_on() => InProcess.Run(3, own =>
    {
        using var queue = new CollectiveQueue(own);
        int[] values = [own.Rank];
        var started = Enumerable.Range(0, 50).Select(_ => queue.Start(ranks => ranks.AllReduce<int>(values))).ToList();
        started[^1].Wait();
        unchecked
        {
            int expected = 3;
            for (int i = 1; i < 50; i++) expected *= 3;
            Assert.Equal(expected, values[0]);
        }
    });

    [Fact]
    public void The_failure_of_a_rank_ends_the_others()
    {
        var failed = Assert.Throws<AggregateException>(() => InProcess.Run(3, own =>
        {
            using var queue = new CollectiveQueue(own);
            if (own.Rank == 1) throw new InputException("no such file");
            Assert.Equal("rank 1: no such file", Assert.Throws<RankLostException>(() => queue.Do(ranks => ranks.Barrier())).Message);
        }));
        Assert.Equal("no such file", Assert.IsType<InputException>(Assert.Single(failed.InnerExceptions)).Message);
    }

    private static Span<byte> Bytes(Span<int> values) => MemoryMarshal.AsBytes(values);

    private static float[] Values(int rank, int count)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = ((uint)(i + 1) * 2654435761u + (uint)rank * 40503u) * 1e-7f / (i % 91 + 1);
        return values;
    }
}
