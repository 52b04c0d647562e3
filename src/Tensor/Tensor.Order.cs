namespace Mayfly;

public sealed partial class Tensor
{
    /// <summary>The index of the largest element of each row (the last axis); the first of equals; a NaN wins.</summary>
    /// <returns>I32, the shape without its last axis.</returns>
    /// <exception cref="ArgumentException">There is no last axis, it is empty, or the elements are not floating-point.</exception>
    public Tensor ArgMax() => FirstPlaces("ArgMax", descending: true);

    /// <summary>
    /// The index of the smallest element of each row (the last axis); the first of equals; a NaN is larger than every number.
    /// </summary>
    /// <returns>I32, the shape without its last axis.</returns>
    /// <exception cref="ArgumentException">There is no last axis, it is empty, or the elements are not floating-point.</exception>
    public Tensor ArgMin() => FirstPlaces("ArgMin", descending: false);

    private Tensor FirstPlaces(string op, bool descending)
    {
        if (Rank == 0 || Shape[-1] == 0) throw new ArgumentException($"{op}: shape {Shape} has no last axis to search.");
        if (Type != Device.Float)
            throw new ArgumentException($"{op}: a tensor {Shape} of {Type}; {Device.Name} computes in {Device.Float}.");
        var places = Empty(Device, Shape.Take(Rank - 1), DType.I32, Use.Activation, op);
        if (Count == 0) return places;
        using var dense = Unowned(Device, Shape, Type, Use.Scratch, op);
        using var values = Unowned(Device, places.Count, Type, Use.Scratch, op);
        Device.Backend.Copy(Read(op), dense.Write(op));
        var column = Layout.RowMajor((places.Count, 1));
        Device.Backend.Run(
            new Order(dense.Read(op).Rows(), values.Write(op).With(column), places.Write(op).With(column), descending));
        return places;
    }

    /// <summary>
    /// The elements on another device, in that device's type if they are floating-point: a copy, or the tensor itself where it is there
    /// already. No tape records it.
    /// </summary>
    /// <exception cref="ArgumentException">A tape recorded the tensor: gradients do not cross devices.</exception>
    public Tensor To(Device device)
    {
        Check("To");
        if (device == Device) return this;
        if (Slot >= 0)
            throw new ArgumentException($"To: a tape of {Device.Name} recorded the tensor {Shape}; "
                + $"gradients do not cross to {device.Name}, Detach() it first.");
        if (Type == DType.I32) return From<int>(ToArray<int>(), Shape, device);
        return device.Float == DType.F64 ? From<double>(ToArray<double>(), Shape, device) : From<float>(ToArray<float>(), Shape, device);
    }
}
