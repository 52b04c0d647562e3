using System.Runtime.InteropServices;

namespace Mayfly;

public sealed partial class Tensor
{
    /// <summary>A tensor of the given values in row-major order: floating-point values in the device's type, integers as I32.</summary>
    /// <exception cref="ArgumentException">The count does not match the shape.</exception>
    /// <exception cref="NotSupportedException">T is not float, double, Half or int.</exception>
    public static Tensor From<T>(ReadOnlySpan<T> values, Shape shape, Device? device = null) where T : unmanaged
    {
        InUse.Clear();
        device ??= Device.Cpu;
        var type = typeof(T) == typeof(int) ? DType.I32 : device.Float;
        var y = Empty(device, shape, type, Use.Activation, "From");
        y.CopyFrom(values);
        return y;
    }

    /// <summary>A vector of the given values.</summary>
    public static Tensor From(params ReadOnlySpan<float> values) => From(values, values.Length);

    /// <summary>A tensor of zeros.</summary>
    public static Tensor Zeros(Shape shape, Device? device = null) => Full(shape, 0, device);

    /// <summary>A tensor of ones.</summary>
    public static Tensor Ones(Shape shape, Device? device = null) => Full(shape, 1, device);

    /// <summary>A tensor of one value, in the device's floating-point type.</summary>
    public static Tensor Full(Shape shape, double value, Device? device = null)
    {
        InUse.Clear();
        device ??= Device.Cpu;
        var y = Empty(device, shape, device.Float, Use.Activation, "Full");
        device.Backend.Fill(y.Write("Full"), value);
        return y;
    }

    /// <summary>A tensor of normally distributed numbers that depend on the key alone.</summary>
    public static Tensor Normal(Shape shape, double mean, double deviation, RandomKey key, Device? device = null)
    {
        var values = new float[shape.Count];
        Rng.FillNormal(values, mean, deviation, key);
        return From<float>(values, shape, device);
    }

    /// <summary>A tensor of numbers uniform in [low, high) that depend on the key alone.</summary>
    public static Tensor Uniform(Shape shape, double low, double high, RandomKey key, Device? device = null)
    {
        var values = new float[shape.Count];
        Rng.FillUniform(values, low, high, key);
        return From<float>(values, shape, device);
    }

    /// <summary>Overwrites the elements in place, converting to the tensor's type. A tape that saved the old values notices.</summary>
    /// <exception cref="ArgumentException">The counts differ.</exception>
    /// <exception cref="NotSupportedException">The types do not convert.</exception>
    public void CopyFrom<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        if (values.Length != Count) throw new ArgumentException($"CopyFrom: {values.Length} values for shape {Shape} of {Count} elements.");
        if (!Layout.IsContiguous) throw new NotSupportedException($"CopyFrom: the tensor {Shape} is a strided view; copy into its source.");
        storage.Settle();
        var y = Write("CopyFrom");
        if (typeof(T) == typeof(int) != (Type == DType.I32))
            throw new NotSupportedException($"CopyFrom: {typeof(T).Name} values into a tensor of {Type}.");
        if (Type.IsStored())
        {
            WriteStored(values, y);
            return;
        }

        if (DTypes.Of<T>() == Type) Device.Backend.Write(y, MemoryMarshal.AsBytes(values));
        else if (Type == DType.F64) Device.Backend.Write(y, MemoryMarshal.AsBytes<double>(Convert<T, double>(values)));
        else Device.Backend.Write(y, MemoryMarshal.AsBytes<float>(Convert<T, float>(values)));
        if (typeof(T) == typeof(int) && Device.Backend.IsAsynchronous && Count * sizeof(int) == storage.Bytes)
            storage.Written = MemoryMarshal.Cast<T, int>(values).ToArray();
    }

    private void WriteStored<T>(ReadOnlySpan<T> values, in View y) where T : unmanaged
    {
        using var floats = Unowned(Device, Shape, Device.Float, Use.Scratch, "CopyFrom");
        floats.CopyFrom(values);
        Device.Backend.Copy(floats.Read("CopyFrom"), y);
    }

    private static float[] Widened(ReadOnlySpan<Half> values)
    {
        var floats = new float[values.Length];
        for (int i = 0; i < floats.Length; i++) floats[i] = (float)values[i];
        return floats;
    }

    private static TTo[] Convert<TFrom, TTo>(ReadOnlySpan<TFrom> values) where TFrom : unmanaged
    {
        if (typeof(TFrom) == typeof(Half)) return Convert<float, TTo>(Widened(MemoryMarshal.Cast<TFrom, Half>(values)));
        var converted = new TTo[values.Length];
        for (int i = 0; i < values.Length; i++) converted[i] = (TTo)System.Convert.ChangeType(values[i], typeof(TTo), null)!;
        return converted;
    }
}
