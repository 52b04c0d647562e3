namespace Mayfly.Tests;

/// <summary>Scopes free what was made in them, and nothing else.</summary>
public sealed class ScopeTests : IDisposable
{
    private readonly Device device = Device.CreateReference();

    public void Dispose() => device.Dispose();

    [Fact]
    public void A_scope_frees_its_tensors_when_it_closes()
    {
        Tensor x;
        using (device.Scope("work")) x = Tensor.Ones(3, device);
        Assert.True(x.IsFreed);
        Assert.Equal(0, device.Arena.Report.LiveBytes);
        Assert.Equal("Tensor (3) F64 (freed)", x.ToString());
        Assert.Contains("Exp: the tensor (3) made by Full was freed when scope 'work' closed", Assert.Throws<ObjectDisposedException>(() =>
            x.Exp()).Message);
    }

    [Fact]
    public void A_returned_tensor_goes_to_the_enclosing_scope()
    {
        Tensor x;
        using (device.Scope("outer"))
        {
            using (var inner = device.Scope("inner")) x = inner.Return(Tensor.Ones(3, device));
            Assert.False(x.IsFreed);
        }

        Assert.True(x.IsFreed);
    }

    [Fact]
    public void A_tensor_returned_from_the_outermost_scope_is_the_callers()
    {
        Tensor x;
        using (var scope = device.Scope("work")) x = scope.Return(Tensor.Ones(3, device));
        Assert.Equal(24, device.Arena.Report.LiveBytes);
        x.Dispose();
        x.Dispose();
        Assert.Equal(0, device.Arena.Report.LiveBytes);
        Assert.Contains("was disposed", Assert.Throws<ObjectDisposedException>(() => x.ToArray()).Message);
    }

    [Fact]
    public void A_kept_tensor_outlives_all_scopes()
    {
        Tensor x;
        using (device.Scope("outer"))
        using (device.Scope("inner"))
            x = Tensor.Ones(3, device).Keep();
        Assert.Equal([1f, 1f, 1f], x.ToArray());
        x.Dispose();
    }

    [Fact]
    public void A_view_keeps_the_memory_of_a_freed_tensor()
    {
        using (var outer = device.Scope("outer"))
        {
            Tensor view;
            using (var inner = device.Scope("inner")) view = inner.Return(Tensor.From<double>([1, 2, 3, 4], (2, 2), device).Transpose());
            Assert.Equal([1.0, 3.0, 2.0, 4.0], view.ToArray<double>());
            Assert.Equal(32, device.Arena.Report.LiveBytes);
        }

        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void Scopes_close_in_reverse_order()
    {
        var outer = device.Scope("outer");
        var inner = device.Scope("inner");
        Assert.Contains("Scope 'outer' closes while 'inner' is the innermost", Assert.Throws<InvalidOperationException>(outer.Dispose)
            .Message);
        inner.Dispose();
        outer.Dispose();
        outer.Dispose();
    }

    [Fact]
    public void A_scope_is_of_one_thread()
    {
        using var scope = device.Scope("work");
        Tensor? other = null;
        var thread = new Thread(() => other = Tensor.Ones(3, device));
        thread.Start();
        thread.Join();
        Assert.Null(other!.Owner);
        Assert.Same(scope, Tensor.Ones(3, device).Owner);
        other.Dispose();
    }

    [Fact]
    public void A_scope_owns_the_tensors_of_its_device_alone()
    {
        using var second = Device.CreateReference();
        Tensor x, y;
        using (device.Scope("first"))
        using (second.Scope("second"))
            (x, y) = (Tensor.Ones(3, device), Tensor.Ones(3, second));
        Assert.True(x.IsFreed && y.IsFreed);
        using var plain = Tensor.Ones(3, second);
        Assert.Null(plain.Owner);
    }

    [Fact]
    public void An_exception_frees_what_the_scope_owns()
    {
        Assert.Throws<ArgumentException>(() =>
        {
            using var scope = device.Scope("work");
            _ = Tensor.Ones(3, device).Exp() + Tensor.Ones(4, device);
        });
        Assert.Equal(0, device.Arena.Report.LiveBytes);
        Assert.Null(Scope.Innermost(device));
    }
}
