namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    /// <summary>A kernel without its forms for the CPU and for GPUs.</summary>
    private readonly record struct NaiveOnly<TKernel>(TKernel Kernel) : IKernel where TKernel : struct, IKernel
    {
        public KernelCost Cost => Kernel.Cost;

        public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V> => Kernel.On(device);
    }

    [Fact]
    public void A_kernel_without_a_form_for_the_device_runs_naively()
    {
        View x = Random(1, (2, 3, 2, 6), Spread.Gaps), y = Random(2, (2, 3, 2, 6), Spread.Gaps), table = Angles(3, 6), expected = Mirror(y);
        Device.Run(new NaiveOnly<Rotate>(new(x, table, y, Halves: true, Add: true)));
        Reference.Run(new Rotate(Mirror(x), Mirror(table), expected, Halves: true, Add: true));
        Near(y, expected, 1e-6, 1e-6);
    }

    /// <summary>Products are read and written by address.</summary>
    [Fact]
    public void A_naive_product_runs_in_the_memory_of_the_device()
    {
        View a = Random(1, (3, 5), Spread.Gaps), b = Random(2, (5, 4), Spread.Turned), c = Random(3, (3, 4), Spread.Gaps),
            expected = Mirror(c);
        Device.Run(new NaiveOnly<Gemm<Identity>>(new() { A = a, B = b, C = c, Beta = 2 }));
        Reference.Run(new Gemm<Identity> { A = Mirror(a), B = Mirror(b), C = expected, Beta = 2 });
        Near(c, expected);
    }

    [Fact]
    public void Ids_are_read_naively()
    {
        View table = Random(1, (5, 3)), y = Random(2, (4, 3)), ids = Integers(4, 3, 0, 3, 4), expected = Clone(y);
        Device.Run(new NaiveOnly<Gather>(new(table, ids, y)));
        Device.Run(new Gather(table, ids, expected));
        SameBits(y, expected);
    }
}
