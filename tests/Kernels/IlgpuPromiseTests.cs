using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Mayfly.Tests;

/// <summary>What kernels may rely on, on ILGPU's CPU accelerator.</summary>
public sealed class IlgpuPromiseTests : IDisposable
{
    private readonly Context context = Context.Create(builder => builder.CPU(new CPUDevice(4, 64, 1)));
    private readonly Accelerator accelerator;

    public IlgpuPromiseTests() => accelerator = context.CreateCPUAccelerator(0);

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

    /// <summary>The assertion fails on a thread of ILGPU's, which ends the process.</summary>
    [Theory]
    [InlineData("outside", nameof(Kernels.Outside))]
    [InlineData("outside-shared", nameof(Kernels.OutsideShared))]
    public void An_access_outside_a_view_ends_the_process_and_names_the_kernel(string command, string kernel)
    {
        var (exitCode, _, errors) = TestProcess.Run(command);
        Assert.NotEqual(0, exitCode);
        Assert.Contains("Index out of range", errors);
        Assert.Contains($"Kernels.{kernel}(", errors);
    }

    /// <summary>Runs a faulty kernel: the process should not live on.</summary>
    internal static int RunOutside(bool isShared)
    {
        using var tests = new IlgpuPromiseTests();
        tests.Run(2, 4, isShared ? Kernels.OutsideShared : Kernels.Outside);
        return 0;
    }

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

        [MethodImpl(MethodImplOptions.NoInlining)] // the trace names it, as it names a kernel that is too large to be inlined
        public static void Outside(ArrayView<int> y) => y[Mine + 5] = 1;

        public static void OutsideShared(ArrayView<int> y)
        {
            var shared = SharedMemory.Allocate<int>(2);
            shared[-1 - Group.IdxX] = 0;
            y[0] = 0;
        }
    }
}
