using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Mayfly.Tests;

/// <summary>What kernels may rely on, in the package and in the emulation alike; and the faults that only the emulation names.</summary>
public sealed class EmulationTests : IDisposable
{
    private readonly Context context = Context.Create(builder => builder.CPU(new CPUDevice(4, 64, 1)));
    private readonly Accelerator accelerator;

    public EmulationTests() => accelerator = context.CreateCPUAccelerator(0);

    public void Dispose()
    {
        accelerator.Dispose();
        context.Dispose();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    [InlineData(2, 64)]
    public void Lanes_meet_at_barriers(int groups, int lanes)
    {
        var y = Run(groups, lanes, Kernels.Turn);
        for (int i = 0; i < y.Length; i++) Assert.Equal(i / lanes * lanes + lanes - 1 - i % lanes, y[i]);
    }

    [Fact]
    public void A_group_has_up_to_256_lanes()
    {
        var y = Run(1, 256, Kernels.Turn);
        Assert.Equal(Enumerable.Range(0, 256).Reverse(), y);
    }

    [Fact]
    public void Lanes_of_a_warp_exchange_numbers() => Assert.Equal([1, 0, 3, 2, 5, 4, 7, 6], Run(1, 8, Kernels.Swap));

    [Fact]
    public void Lanes_of_a_group_vote() => Assert.Equal([.. Enumerable.Repeat(307, 8)], Run(1, 8, Kernels.Vote));

    [Fact]
    public void Atomic_sums_lose_nothing() => Assert.Equal(3 * 8 * 7 / 2, Run(3, 8, Kernels.Count)[0]);

    [EmulationTheory]
    [InlineData(nameof(Kernels.PartBarrier), "Kernel PartBarrier: 2 of 4 lanes wait at a barrier that the others never reach.")]
    [InlineData(nameof(Kernels.Outside), "Kernel Outside, argument y: index 8 is outside a view of 8 elements.")]
    [InlineData(nameof(Kernels.OutsideShared), "Kernel OutsideShared, argument (shared memory): index -1 is outside a view of 2 elements.")]
    [InlineData(nameof(Kernels.MuchShared), "Kernel MuchShared: a group asks for 49156 bytes of shared memory and has 49152.")]
    [InlineData(nameof(Kernels.Misaligned), "Kernel Misaligned, argument y: a view that does not start at a multiple of 8 bytes is cast to Int64.")]
    public void A_faulty_kernel_is_named(string name, string message)
    {
        var kernel = (Action<ArrayView<int>>)typeof(Kernels).GetMethod(name)!.CreateDelegate(typeof(Action<ArrayView<int>>));
        var error = Assert.Throws<InvalidOperationException>(() => Run(2, 4, kernel));
        Assert.Equal(message, error.Message);
    }

    /// <summary>Without a barrier a lane finds what its neighbour has not yet written, whichever neighbour it is.</summary>
    [EmulationTheory]
    [InlineData(nameof(Kernels.NoBarrierNext))]
    [InlineData(nameof(Kernels.NoBarrierPrevious))]
    public void A_missing_barrier_shows(string name)
    {
        var kernel = (Action<ArrayView<int>>)typeof(Kernels).GetMethod(name)!.CreateDelegate(typeof(Action<ArrayView<int>>));
        Assert.Contains(-1, Run(2, 4, kernel));
    }

    [EmulationFact]
    public void A_kernel_after_a_faulty_one_runs()
    {
        Assert.Throws<InvalidOperationException>(() => Run(2, 4, Kernels.PartBarrier));
        Lanes_meet_at_barriers(3, 4);
    }

    [EmulationFact]
    public void A_group_larger_than_the_device_takes_is_refused()
    {
        var error = Assert.Throws<NotSupportedException>(() => Run(1, 512, Kernels.Turn));
        Assert.Contains("1 groups of 512 lanes", error.Message);
    }

    [EmulationFact]
    public void A_lambda_that_captures_is_refused()
    {
        int captured = lanesOfNothing;
        Assert.Throws<NotSupportedException>(() => Run(1, 4, y => y[0] = captured));
    }

    private readonly int lanesOfNothing = 3;

    private int[] Run(int groups, int lanes, Action<ArrayView<int>> kernel)
    {
        using var buffer = accelerator.Allocate1D<int>(groups * lanes);
        int[] y = new int[groups * lanes];
        ArrayView<int> view = buffer.View;
        view.CopyFromCPU(accelerator.DefaultStream, ref y[0], y.Length);
        accelerator.LoadStreamKernel(kernel)(new KernelConfig(groups, lanes), view);
        accelerator.Synchronize();
        view.CopyToCPU(accelerator.DefaultStream, ref y[0], y.Length);
        return y;
    }

    private static class Kernels
    {
        private static int Mine => Grid.IdxX * Group.DimX + Group.IdxX;

        public static void Turn(ArrayView<int> y)
        {
            var shared = SharedMemory.Allocate<int>(256);
            shared[Group.IdxX] = Mine;
            Group.Barrier();
            y[Mine] = shared[Group.DimX - 1 - Group.IdxX];
        }

        public static void Swap(ArrayView<int> y) => y[Mine] = Warp.ShuffleXor(Mine, 1);

        public static void Vote(ArrayView<int> y)
        {
            int three = Group.BarrierPopCount(Group.IdxX % 3 == 0), given = Group.Broadcast(Group.IdxX, 7);
            y[Mine] = 100 * three + given;
        }

        public static void Count(ArrayView<int> y) => Atomic.Add(ref y[0], Group.IdxX);

        public static void PartBarrier(ArrayView<int> y)
        {
            if (Group.IdxX < 2) Group.Barrier();
            y[Mine] = 1;
        }

        public static void Outside(ArrayView<int> y) => y[Mine + 5] = 1;

        public static void OutsideShared(ArrayView<int> y)
        {
            var shared = SharedMemory.Allocate<int>(2);
            shared[-1 - Group.IdxX] = 0;
            y[0] = 0;
        }

        public static void MuchShared(ArrayView<int> y) => y[Mine] = SharedMemory.Allocate<int>(12289)[0];

        public static void Misaligned(ArrayView<int> y) => y[0] = (int)y.SubView(1, 4).Cast<long>()[0];

        public static void NoBarrierNext(ArrayView<int> y)
        {
            var shared = SharedMemory.Allocate<int>(4);
            shared[Group.IdxX] = 1;
            y[Mine] = shared[(Group.IdxX + 1) % 4];
        }

        public static void NoBarrierPrevious(ArrayView<int> y)
        {
            var shared = SharedMemory.Allocate<int>(4);
            shared[Group.IdxX] = 1;
            y[Mine] = Group.IdxX == 0 ? 1 : shared[Group.IdxX - 1];
        }
    }
}
