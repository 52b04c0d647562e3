namespace Mayfly.Tests;

/// <summary>The host side of the GPU backend: memory that ends, kernels that do not compile.</summary>
public class GpuBackendTests
{
    private readonly struct Hidden : IMap1<Hidden>
    {
        public V F<V>(V x) where V : struct, ILane<V> => x;
    }

    /// <summary>Its naive form, its only one, writes a number and fails.</summary>
    private readonly record struct Failing(View Y) : IKernel
    {
        public KernelCost Cost => new("Failing");

        public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
        {
            device.Set(Y, 0, V.Of(7f));
            throw new InvalidOperationException("failing");
        }
    }

    [Fact]
    public void A_naive_form_that_fails_leaves_the_device_as_it_was()
    {
        using var device = TestDevice.Open();
        using var x = Tensor.Ones(3, device);
        Assert.Throws<InvalidOperationException>(() => device.Backend.Run(new Failing(x.Write("test"))));
        Assert.Equal(3, x.Sum().Item());
    }

    [Fact]
    public void Memory_that_nobody_uses_is_given_back_before_the_device_is_full()
    {
        using var device = TestDevice.Open(10_000);
        Tensor.Zeros(1500, device).Dispose();
        using var other = Tensor.Zeros(2000, device);
        Assert.InRange(device.Arena.Report.ReservedBytes, 8000, 10_000);
    }

    [Fact]
    public void A_full_device_is_an_error_with_the_arenas_books()
    {
        using var device = TestDevice.Open(10_000);
        using var weights = Tensor.Zeros(1500, device);
        var error = Assert.Throws<OutOfMemoryException>(() => Tensor.Zeros(1500, device));
        Assert.Contains("has no 6,000 bytes left", error.Message);
        Assert.Contains("Live: 6,000 bytes", error.Message);
        Assert.Contains("smaller batch", error.Message);
    }

    /// <summary>Scratch memory of one call counts too, and a failed call leaves a device that works.</summary>
    [Fact]
    public void A_fold_without_room_for_its_parts_is_an_error()
    {
        using var device = TestDevice.Open(16_384);
        using var x = Tensor.Ones((2, 1500), device);
        var y = Assert.Throws<OutOfMemoryException>(() => x.Sum([0]));
        Assert.Contains("has no", y.Message);
        Assert.Equal(3000, x.Sum().Item());
    }

    [Fact]
    public void A_formula_that_does_not_compile_is_named_and_the_device_says_so_again()
    {
        using var device = TestDevice.Open();
        using var x = Tensor.Ones(3, device);
        x.MapInPlace(default(TestSigmoid));
        var error = Assert.Throws<NotSupportedException>(() => x.MapInPlace(default(Hidden)));
        Assert.Contains("the kernel Map of Hidden does not compile. A formula must be a public struct", error.Message);
        var next = Assert.Throws<NotSupportedException>(() => x.Sum());
        Assert.Contains("open the device anew; since a kernel did not compile (Map of Hidden)", next.Message);
        x.MapInPlace(default(TestSigmoid));
    }
}
