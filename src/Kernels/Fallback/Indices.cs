namespace ILGPU;

internal readonly struct Index1D(int x)
{
    public int X { get; } = x;

    public static implicit operator Index1D(int value) => new(value);

    public static implicit operator int(Index1D index) => index.X;
}

internal readonly struct Index2D(int x, int y)
{
    public int X { get; } = x;

    public int Y { get; } = y;
}

internal readonly struct Index3D(int x, int y, int z)
{
    public int X { get; } = x;

    public int Y { get; } = y;

    public int Z { get; } = z;

    public int Size => checked(X * Y * Z);
}

internal static class Stride1D
{
    internal readonly struct Dense;
}

/// <summary>The groups of a launch and the lanes of a group.</summary>
internal readonly struct KernelConfig(Index3D gridDim, Index3D groupDim)
{
    public KernelConfig(Index1D gridDim, Index1D groupDim) : this(new Index3D(gridDim, 1, 1), new Index3D(groupDim, 1, 1))
    {
    }

    public KernelConfig(Index2D gridDim, Index2D groupDim)
        : this(new Index3D(gridDim.X, gridDim.Y, 1), new Index3D(groupDim.X, groupDim.Y, 1))
    {
    }

    public Index3D GridDim { get; } = gridDim;

    public Index3D GroupDim { get; } = groupDim;

    public static implicit operator KernelConfig((Index1D Grid, Index1D Group) sizes) => new(sizes.Grid, sizes.Group);

    public static implicit operator KernelConfig((Index2D Grid, Index2D Group) sizes) => new(sizes.Grid, sizes.Group);

    public static implicit operator KernelConfig((Index3D Grid, Index3D Group) sizes) => new(sizes.Grid, sizes.Group);
}
