namespace Mayfly.Tests;

/// <summary>Making, reading, comparing and printing tensors.</summary>
public sealed class TensorTests : IDisposable
{
    private readonly Device device = Device.CreateCpu(1, 128);
    private readonly Scope scope;

    public TensorTests() => scope = device.Scope("test");

    public void Dispose()
    {
        scope.Dispose();
        device.Dispose();
    }

    [Fact]
    public void Values_come_back_in_every_type()
    {
        var x = Tensor.From<double>([1, -2.5, 3, 4, 5, 6], (2, 3), device);
        Assert.Equal(DType.F32, x.Type);
        Assert.Equal([1f, -2.5f, 3f, 4f, 5f, 6f], x.ToArray());
        Assert.Equal([1.0, -2.5, 3.0, 4.0, 5.0, 6.0], x.ToArray<double>());
        Assert.Equal([7, -8], Tensor.From<int>([7, -8], 2, device).ToArray<int>());
        Assert.Equal(DType.F64, Tensor.From<float>([1, 2], 2, Device.Reference).Type);
    }

    [Fact]
    public void A_strided_view_is_read_in_row_major_order() =>
        Assert.Equal([1f, 4f, 2f, 5f, 3f, 6f], Tensor.From<float>([1, 2, 3, 4, 5, 6], (2, 3), device).Transpose().ToArray());

    [Fact]
    public void Counts_that_do_not_fit_are_errors()
    {
        Assert.Contains("5 values for shape (2, 3) of 6 elements", Assert.Throws<ArgumentException>(() =>
            Tensor.From<float>(new float[5], (2, 3), device)).Message);
        var x = Tensor.Zeros((2, 3), device);
        Assert.Contains("room for 7 values, shape (2, 3) has 6", Assert.Throws<ArgumentException>(() => x.CopyTo(new float[7].AsSpan()))
            .Message);
        Assert.Contains("copy into its source", Assert.Throws<NotSupportedException>(() => x.Transpose().CopyFrom<float>(new float[6]))
            .Message);
    }

    [Fact]
    public void Types_that_do_not_convert_are_errors()
    {
        var x = Tensor.Zeros(2, device);
        var ids = Tensor.From<int>([1, 2], 2, device);
        Assert.Throws<NotSupportedException>(() => x.CopyFrom<int>([1, 2]));
        Assert.Throws<NotSupportedException>(() => ids.CopyFrom<float>([1, 2]));
        Assert.Throws<NotSupportedException>(() => ids.ToArray<float>());
        Assert.Throws<NotSupportedException>(() => x.ToArray<int>());
        Assert.Throws<NotSupportedException>(() => Tensor.From<byte>([1, 2], 2, device));
        Assert.Contains("Exp: a tensor (2) of I32", Assert.Throws<ArgumentException>(() => ids.Exp()).Message);
    }

    [Fact]
    public void Item_is_for_one_element()
    {
        Assert.Equal(2.5, Tensor.Full(new Shape(), 2.5, device).Item());
        Assert.Equal(7, Tensor.From<int>([7], (1, 1), device).Item());
        Assert.Contains("has 3 elements", Assert.Throws<InvalidOperationException>(() => Tensor.Zeros(3, device).Item()).Message);
        Assert.Throws<InvalidOperationException>(() => Tensor.Zeros(0, device).Item());
    }

    [Fact]
    public void ArgMax_takes_the_first_of_equals_and_a_NaN_before_all()
    {
        var x = Tensor.From<float>([1, 3, 3, float.NaN, 9, float.NaN, -2, -1, -1], (3, 3), device);
        var best = x.ArgMax();
        Assert.Equal(new Shape(3), best.Shape);
        Assert.Equal([1, 0, 1], best.ToArray<int>());
        Assert.Equal([1, 1, 1], x.Transpose().ArgMax().ToArray<int>());
        Assert.Contains("no last axis", Assert.Throws<ArgumentException>(() => Tensor.Zeros(new Shape(), device).ArgMax()).Message);
    }

    [Fact]
    public void Comparisons_broadcast_to_zeros_and_ones()
    {
        Tensor a = Tensor.From<float>([1, 2, float.NaN], 3, device), b = Tensor.From<float>([2, 1], (2, 1), device);
        Assert.Equal([1f, 0f, 0f, 0f, 0f, 0f], (a < b).ToArray());
        Assert.Equal([1f, 1f, 0f, 1f, 0f, 0f], (a <= b).ToArray());
        Assert.Equal([0f, 0f, 0f, 0f, 1f, 0f], (a > b).ToArray());
        Assert.Equal([0f, 1f, 0f, 1f, 1f, 0f], (a >= b).ToArray());
        Assert.Equal([0f, 1f, 0f, 1f, 0f, 0f], a.EqualTo(b).ToArray());
        Assert.Contains("Less: shapes (3) and (2) do not broadcast", Assert.Throws<ArgumentException>(() => a < Tensor.Zeros(2, device))
            .Message);
    }

    [Fact]
    public void Printing_shortens_long_axes()
    {
        Assert.Equal("Tensor () F32 2.5", Tensor.Full(new Shape(), 2.5, device).ToString());
        Assert.Equal("Tensor (3) I32 [1, -2, 3]", Tensor.From<int>([1, -2, 3], 3, device).ToString());
        Assert.Equal("Tensor (2, 2) F32\n[[1, 0.3333],\n [1E+10, NaN]]", Tensor.From<float>([1, 1 / 3f, 1e10f, float.NaN], (2, 2), device)
            .ToString());
        Assert.Equal("Tensor (10) F32 [0, 1, 2, ..., 7, 8, 9]", Tensor.From<float>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 10, device).ToString());
        Assert.Equal("Tensor (0) F32 []", Tensor.Zeros(0, device).ToString());
    }

    [Fact]
    public void In_place_changes_check_shapes()
    {
        var x = Tensor.Ones((2, 3), device);
        x.AddInPlace(Tensor.Full((2, 3), 2, device));
        Assert.Equal(9 * 6, x.SumSquares());
        Assert.Contains("(2, 3) += (3, 2)", Assert.Throws<ArgumentException>(() => x.AddInPlace(Tensor.Ones((3, 2), device))).Message);
    }

    [Fact]
    public void Shapes_that_do_not_fit_name_the_op_and_what_to_do()
    {
        Tensor x = Tensor.Ones((2, 3), device), z = Tensor.Ones((2, 4), device);
        (Func<Tensor> Run, string Message)[] wrong =
        [
            (() => x - z, "Subtract: shapes (2, 3) and (2, 4) do not broadcast"),
            (() => x.Reshape((4, 2)), "Reshape: (2, 3) of 6 elements does not fit (4, 2)"),
            (() => x.Reshape((-1, -1)), "Reshape: (2, 3) to (-1, -1): only one size may be -1"),
            (() => x.Reshape((-1, 4)), "Reshape: (2, 3) of 6 elements does not fit (-1, 4)"),
            (() => x.Reshape((-2, -3)), "Reshape: (2, 3) of 6 elements does not fit (-2, -3)"),
            (() => x.Slice(1, 2, 2), "Slice: 2 elements from 2 on leave axis 1 of shape (2, 3), which has 3"),
            (() => x.Slice(2, 0, 1), "Slice: there is no axis 2 in shape (2, 3)"),
            (() => x.Transpose(0, 2), "Transpose: there is no axis 2 in shape (2, 3)"),
            (() => Tensor.Concat(0, x, z), "Concat: shapes (2, 3) and (2, 4) differ outside axis 0"),
            (() => Tensor.Concat(0), "Concat: no tensors"),
            (() => x.Mse(Tensor.Ones((2, 1), device)), "Mse: a prediction (2, 3) against a target (2, 1)"),
            (() => x.MaskedFill(Tensor.Ones((4, 2, 3), device), 0), "MaskedFill: a mask (4, 2, 3) for a tensor (2, 3)"),
            (() => x.Sum([0, -2]), "Sum: axis -2 of shape (2, 3) is named twice"),
            (() => Tensor.Zeros((0, 3), device).Max([0]), "Max: shape (0, 3) has no elements"),
            (() => x.Dropout(1), "Dropout: the rate is 1"),
            (() => x.Dropout(float.NaN), "Dropout: the rate is NaN"),
            (() => x.Dropout(0.5f), "Dropout: random ops are keyed by their tape and none is recording"),
            (() => x.MatMul(z), "MatMul: (2, 3) x (2, 4): inner sizes 3 and 2 differ"),
        ];
        foreach (var (run, message) in wrong) Assert.Contains(message, Assert.ThrowsAny<Exception>(run).Message);
    }

    [Fact]
    public void Sizes_beyond_64_bits_are_an_error() =>
        Assert.Contains("more bytes than 64 bits", Assert.Throws<ArgumentException>(() => Tensor.Zeros((1L << 31, 1L << 31, 2), device))
            .Message);

    [Fact]
    public void Dropout_keeps_the_expected_share_and_scale()
    {
        using var tape = Tape.Record(device, new RandomState(3, 0, 0));
        var values = Tensor.Ones(20000, device).Dropout(0.3f).ToArray();
        Assert.Equal([0f, 1f / 0.7f], values.Distinct().Order());
        Assert.InRange(values.Count(v => v == 0), 5700, 6300);
    }

    [Fact]
    public void The_gradient_of_Max_is_shared_by_equals()
    {
        using var tape = Tape.Record(device);
        var x = tape.Watch(Tensor.From<float>([1, 3, 3, 2], 4, device));
        tape.Backward(x.Max());
        Assert.Equal([0f, 0.5f, 0.5f, 0f], tape.GradientOf(x)!.ToArray());
    }

    /// <summary>As PyTorch has them: what is not a number passes on, and so does the gradient there.</summary>
    [Fact]
    public void Relu_passes_on_what_is_not_a_number()
    {
        using var tape = Tape.Record(device);
        var x = tape.Watch(Tensor.From<float>([-1, 0, -0f, 2, float.NaN, float.PositiveInfinity, float.NegativeInfinity], 7, device));
        var y = x.Relu();
        Assert.Equal([0, 0, 0, 2, float.NaN, float.PositiveInfinity, 0], y.ToArray());
        tape.Backward(y.Sum());
        Assert.Equal([0f, 0, 0, 1, 1, 1, 0], tape.GradientOf(x)!.ToArray());
    }

    [Fact]
    public void Powers_of_zero_and_of_negative_numbers_are_right()
    {
        var x = Tensor.From<float>([-2, 0, 3], 3, device);
        Assert.Equal([1f, 1f, 1f], x.Pow(0).ToArray());
        Assert.Equal([-8f, 0f, 27f], x.Pow(3).ToArray());
        Assert.Equal([-0.5f, float.PositiveInfinity, 1 / 3f], x.Pow(-1).ToArray());
        Assert.Equal([float.NaN, 0f, 1.7320508f], x.Pow(0.5f).ToArray().Select(v => MathF.Round(v, 6)).ToArray(), (a, b) =>
            a.Equals(b) || Math.Abs(a - b) < 1e-5);
    }
}
