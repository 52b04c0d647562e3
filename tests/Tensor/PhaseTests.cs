using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

/// <summary>Parts of a program that take memory alike each time share one block, and nothing in it is overwritten.</summary>
public sealed class PhaseTests : IDisposable
{
    private const string Name = "work";
    private readonly Device device = Device.CreateCpu(1);
    private MemoryReport Report => device.Arena.Report;

    public void Dispose() => device.Dispose();

    [Fact]
    public void A_phase_takes_hardly_more_than_is_alive_at_one_time()
    {
        for (int i = 0; i < 3; i++) Run(1000, 5000, ~0, 3000, 2500, ~2, ~3, 7000, ~4, ~1);
        Assert.Equal(4 * (5000 + 7000), Report.PeakBytes);
        Assert.InRange(Report.TouchedBytes, Report.PeakBytes, Report.PeakBytes + 128);
        Assert.InRange(Report.ReservedBytes, Report.PeakBytes, Report.PeakBytes + 128);
        device.Arena.Trim();
        Assert.Equal((0, 0), (Report.ReservedBytes, Report.TouchedBytes));
    }

    /// <summary>A dry device makes the plan, so that the first phase has it.</summary>
    [Fact]
    public void Phases_are_learned_from_another_device()
    {
        int[] steps = [9000, 100, ~0, 4000, 4000, ~2, ~1, ~3];
        using var dry = Device.CreateDry();
        Run(dry, steps);
        device.Arena.LearnPhases(dry.Arena);
        Run(steps);
        Assert.InRange(Report.ReservedBytes, Report.PeakBytes, Report.PeakBytes + 128);
    }

    [Fact]
    public void What_outlives_a_phase_keeps_its_content()
    {
        int[] steps = [2000, 3000, ~0, ~1];
        Run(steps);
        Tensor? kept = null;
        using (device.Arena.Phase(Name))
        {
            kept = Tensor.Full(2000, 1, device); // in the block
            using var other = Tensor.Full(3000, 2, device);
        }

        for (int i = 0; i < 3; i++) Run(steps);
        Assert.All(kept.ToArray(), value => Assert.Equal(1, value));
        device.Arena.Trim();
        Assert.All(kept.ToArray(), value => Assert.Equal(1, value));
        kept.Dispose();
        Run(steps);
        Assert.Equal(0, Report.LiveBytes);
        device.Arena.Trim();
        Assert.Equal(0, Report.ReservedBytes);
    }

    [Fact]
    public void A_phase_that_is_another_one_now_and_then_leaves_the_plan()
    {
        int[] usual = [20_000, 30_000, ~0, ~1], other = [20_000, 90_000, ~1, ~0];
        for (int i = 0; i < 3; i++)
        {
            Run(usual);
            Run(usual);
            Assert.Equal(200_000, Report.ReservedBytes, 128.0);
            Run(other);
        }

        for (int i = 0; i < 2; i++) Run(other); // as often, it is the usual one
        Run(other);
        Assert.Equal(440_000, Report.ReservedBytes, 128.0);
    }

    [Fact]
    public void What_never_repeats_is_left_alone()
    {
        for (int i = 1; i < 12; i++) Run(1000 * i, 500 * i, ~1, ~0);
        long reserved = Report.ReservedBytes;
        Run(100, 50, ~1, ~0);
        Assert.InRange(Report.ReservedBytes, 1, reserved + 1024);
    }

    [Fact]
    public void A_phase_within_a_phase_is_none()
    {
        using (device.Arena.Phase(Name))
        {
            Run(100, ~0);
            Run(200, ~0);
        }

        Run(100, 200, ~1, ~0);
        Assert.Equal(0, Report.LiveBytes);
    }

    [Fact]
    public void Another_thread_may_give_back_what_a_phase_took()
    {
        for (int i = 0; i < 3; i++)
        {
            using var phase = device.Arena.Phase(Name);
            var mine = Tensor.Full(2000, i, device);
            var thread = new Thread(() =>
            {
                using var theirs = Tensor.Full(500, -1, device);
                mine.Dispose();
            });
            thread.Start();
            thread.Join();
            using var next = Tensor.Full(2000, 7, device);
            Assert.All(next.ToArray(), value => Assert.Equal(7, value));
        }

        Assert.Equal(0, Report.LiveBytes);
    }

    /// <summary>Phases that often go other ways, of random pieces, each of which has its own numbers to the end.</summary>
    [Fact]
    public void No_piece_overwrites_another() => Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
    {
        using var cpu = Device.CreateCpu(1);
        var random = new Random(seed);
        int[][] kinds = [Pieces(random), Pieces(random)];
        var left = new List<Piece>();
        for (int i = 0; i < 12; i++)
        {
            int[] steps = kinds[random.Next(3) / 2];
            if (random.Next(4) == 0) steps = [.. steps.Take(random.Next(steps.Length)), .. Pieces(random, steps.Length)];
            left.AddRange(Run(cpu, steps, leaves: random.Next(6) == 0));
            if (random.Next(2) == 0) Free(left);
        }

        Free(left);
        Assert.Equal(0, cpu.Arena.Report.LiveBytes);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    [Fact]
    public void A_plan_is_as_small_as_what_nests() => Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        long[] sizes = [.. Enumerable.Range(0, 1 + random.Next(40)).Select(_ => 64L * random.Next(1, 1000))];
        long[] events = [.. sizes, .. Enumerable.Range(0, sizes.Length).Reverse().Select(i => ~(long)i)];
        Assert.Equal(sizes.Sum(), SlabPlan.Of(events)!.Bytes);
    }).Check(Config.QuickThrowOnFailure);

    /// <summary>Takes pieces and gives them back in a random order; a number below zero is that of the piece.</summary>
    private static int[] Pieces(Random random, int first = 0)
    {
        var (steps, alive) = (new List<int>(), new List<int>());
        for (int i = 0, taken = 0; i < 30; i++)
            if (alive.Count == 0 || random.Next(2) == 0)
            {
                steps.Add(random.Next(3) == 0 ? random.Next(100_000) : random.Next(300));
                alive.Add(taken++);
            }
            else
            {
                steps.Add(~alive[random.Next(alive.Count)]);
                alive.Remove(~steps[^1]);
            }

        return first == 0 ? [.. steps] : [.. steps.Where(step => step >= 0)];
    }

    private void Run(params int[] steps) => Run(device, steps);

    /// <summary>Runs a phase; what it has not given back at the end it gives back then, or leaves.</summary>
    private static List<Piece> Run(Device device, int[] steps, bool leaves = false)
    {
        using var phase = device.Arena.Phase(Name);
        var taken = new List<Piece>();
        foreach (int step in steps)
            if (step >= 0) taken.Add(new Piece(step, device));
            else taken[~step].Free();
        if (leaves) return taken;
        Free(taken);
        return [];
    }

    private static void Free(List<Piece> pieces)
    {
        foreach (var piece in pieces) piece.Free();
        pieces.Clear();
    }

    /// <summary>A tensor with a number of its own all over.</summary>
    private sealed class Piece(int count, Device device)
    {
        private static int last;
        private readonly int number = ++last % (1 << 24);
        private Tensor? tensor = Tensor.Full(count, last % (1 << 24), device);

        public void Free()
        {
            if (tensor is not { } mine) return;
            if (!device.Backend.IsDry) Assert.Equal(count, mine.ToArray().Count(value => value == number));
            mine.Dispose();
            tensor = null;
        }
    }
}
