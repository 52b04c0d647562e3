using System.Runtime.InteropServices;

namespace Mayfly;

public sealed partial class Tensor
{
    /// <summary>Copies the elements in row-major order, converting between float and double.</summary>
    /// <exception cref="ArgumentException">The counts differ.</exception>
    /// <exception cref="NotSupportedException">The types do not convert.</exception>
    public void CopyTo<T>(Span<T> values) where T : unmanaged
    {
        storage.Settle();
        if (values.Length != Count) throw new ArgumentException($"CopyTo: room for {values.Length} values, shape {Shape} has {Count}.");
        if (DTypes.Of<T>() == Type) ReadDense(MemoryMarshal.AsBytes(values));
        else if (Type.IsStored()) ReadStored(values);
        else if (typeof(T) == typeof(double) && Type == DType.F32) ConvertFrom<float, T>(values);
        else if (typeof(T) == typeof(float) && Type == DType.F64) ConvertFrom<double, T>(values);
        else throw new NotSupportedException($"CopyTo: a tensor of {Type} into {typeof(T).Name} values.");
    }

    /// <summary>The elements in row-major order.</summary>
    public T[] ToArray<T>() where T : unmanaged
    {
        var values = new T[Count];
        CopyTo<T>(values);
        return values;
    }

    /// <summary>The elements in row-major order, as floats.</summary>
    public float[] ToArray() => ToArray<float>();

    /// <summary>The value of a tensor of one element.</summary>
    /// <exception cref="InvalidOperationException">It has more elements, or none.</exception>
    public double Item()
    {
        if (Count != 1) throw new InvalidOperationException($"Item: the tensor {Shape} has {Count} elements; index or reduce it first.");
        return Type == DType.I32 ? ToArray<int>()[0] : ToArray<double>()[0];
    }

    private void ConvertFrom<TStored, T>(Span<T> values) where TStored : unmanaged where T : unmanaged
    {
        var stored = new TStored[values.Length];
        ReadDense(MemoryMarshal.AsBytes(stored.AsSpan()));
        for (int i = 0; i < stored.Length; i++) values[i] = (T)System.Convert.ChangeType(stored[i], typeof(T), null)!;
    }

    private void ReadStored<T>(Span<T> values) where T : unmanaged
    {
        using var floats = Unowned(Device, Shape, Device.Float, Use.Scratch, "CopyTo");
        Device.Backend.Copy(Read("CopyTo"), floats.Write("CopyTo"));
        floats.CopyTo(values);
    }

    private void ReadDense(Span<byte> bytes)
    {
        if (Layout.IsContiguous)
        {
            var view = Read("CopyTo");
            if (storage.Written is { } known) MemoryMarshal.AsBytes(known.AsSpan((int)Layout.Offset, (int)Count)).CopyTo(bytes);
            else Device.Backend.Read(view, bytes);
            return;
        }

        var dense = Unowned(Device, Shape, Type, Use.Scratch, "CopyTo");
        Device.Backend.Copy(Read("CopyTo"), dense.Write("CopyTo"));
        Device.Backend.Read(dense.Read("CopyTo"), bytes);
        dense.Dispose();
    }
}
