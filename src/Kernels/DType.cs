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

    /// <summary>
    /// 8-bit integers times a scale, storage only: each <see cref="DTypes.GroupSize"/> elements in row-major order share the float32 scale
    /// that lies before them.
    /// </summary>
    Int8,
}

/// <summary>Facts about element types.</summary>
public static class DTypes
{
    /// <summary>Elements of <see cref="DType.Int8"/> that share a scale.</summary>
    public const int GroupSize = 256;

    /// <summary>Bytes of one element; of <see cref="DType.Int8"/> without its part of the scale.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.F64 => 8,
        DType.BF16 or DType.F16 => 2,
        DType.Int8 => 1,
        _ => 4,
    };

    /// <summary>Bytes of <paramref name="count"/> elements that lie dense, scales included.</summary>
    public static long Bytes(this DType type, long count) =>
        type == DType.Int8 ? checked(count + (count + GroupSize - 1) / GroupSize * sizeof(float)) : checked(count * type.Size());

    /// <summary>
    /// True for a type that kernels do not compute in: they convert elements to float32 on the way from memory and back on the way to it.
    /// </summary>
    public static bool IsStored(this DType type) => type is DType.BF16 or DType.F16 or DType.Int8;

    /// <summary>The type of a .NET element.</summary>
    /// <exception cref="NotSupportedException">No tensor holds <typeparamref name="T"/>.</exception>
    public static DType Of<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? DType.F32
        : typeof(T) == typeof(double) ? DType.F64
        : typeof(T) == typeof(int) ? DType.I32
        : typeof(T) == typeof(Half) ? DType.F16
        : throw new NotSupportedException($"A tensor cannot hold {typeof(T).Name}; use float, double or int.");
}
