using ILGPU.Runtime;

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

    /// <summary>What a driver says of a device that is gone.</summary>
    private sealed class Gone() : AcceleratorException("an illegal memory access was encountered")
    {
        public override AcceleratorType AcceleratorType => AcceleratorType.Cuda;
    }

    /// <summary>At whichever call of the driver it fails.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_device_that_fails_is_lost_in_one_line_and_can_be_closed(int calls)
    {
        using var device = TestDevice.Open();
        using var x = Tensor.Ones(3, device);
        GpuBackend.Calling.Value = () =>
        {
            if (--calls <= 0) throw new Gone();
        };
        var error = Assert.Throws<DeviceLostException>(() => x.Scale(2).Sigmoid().Sum().Item());
        Assert.StartsWith($"{device.Name} failed: an illegal memory access was encountered. What it held is lost; ", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    /// <summary>Steps of several operands go out together, each with its own numbers; one that needs another's result does not.</summary>
    [Fact]
    public void Steps_that_need_nothing_of_each_other_are_one_launch()
    {
        using var backend = TestDevice.NewBackend();
        using var device = new Device(backend);
        using var scope = device.Scope("test");
        Tensor[] all = [.. Enumerable.Range(1, 10).Select(i => Tensor.Full(i, i, device))];
        var g = Tensor.Ones(10, device);
        backend.Meter.Clear();
        for (int i = 0; i < 10; i++) all[i].Step(new MuonUpdate(0, i), g.Slice(0, 0, i + 1));
        all[9].Step(new MuonUpdate(0, 5), g);
        for (int i = 0; i < 10; i++) Assert.Equal([.. Enumerable.Repeat(i < 9 ? 1f : -4f, i + 1)], all[i].ToArray());
        Assert.Equal(3, backend.Meter.Launches);
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
        Assert.SkipUnless(TestDevice.IsSimulated,
            $"MAYFLY_TEST_DEVICE is {TestDevice.Name}, whose compiler takes a private formula; unset it or set ilgpu-cpu");
        using var device = TestDevice.Open();
        using var x = Tensor.Ones(3, device);
        x.MapInPlace(default(TestSigmoid));
        var error = Assert.Throws<NotSupportedException>(() => x.MapInPlace(default(Hidden)));
        Assert.Contains("the kernel Update of Hidden does not compile. A formula must be a public struct", error.Message);
        var next = Assert.Throws<NotSupportedException>(() => x.Sum());
        Assert.Contains("open the device anew; since a kernel did not compile (Update of Hidden)", next.Message);
        x.MapInPlace(default(TestSigmoid));
    }
}
