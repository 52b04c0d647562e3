namespace Mayfly;

/// <summary>The type of a tensor's elements.</summary>
public enum DType
{
    /// <summary>Single precision, the type of training on CPU and GPU.</summary>
    F32,

    /// <summary>Double precision, the type of the reference device.</summary>
    F64,

    /// <summary>32-bit integers: token ids, targets, indices.</summary>
    I32,

    /// <summary>16-bit brain float: storage only.</summary>
    BF16,

    /// <summary>16-bit half precision: storage only.</summary>
    F16,
}

/// <summary>Facts about element types.</summary>
public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.F64 => 8,
        DType.BF16 or DType.F16 => 2,
        _ => 4,
    };

    /// <summary>The type of a .NET element.</summary>
    /// <exception cref="NotSupportedException">No tensor holds <typeparamref name="T"/>.</exception>
    public static DType Of<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? DType.F32
        : typeof(T) == typeof(double) ? DType.F64
        : typeof(T) == typeof(int) ? DType.I32
        : typeof(T) == typeof(Half) ? DType.F16
        : throw new NotSupportedException($"A tensor cannot hold {typeof(T).Name}; use float, double or int.");
}
