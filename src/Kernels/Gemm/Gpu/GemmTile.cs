using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;

namespace Mayfly;

/// <summary>Four neighbours, which a lane loads and stores in one instruction.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Quad
{
    public float X, Y, Z, W;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Of(float x, float y, float z, float w) => new() { X = x, Y = y, Z = z, W = w };

    public static Quad operator +(Quad a, Quad b) => Of(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    public static Quad operator *(float a, Quad b) => Of(a * b.X, a * b.Y, a * b.Z, a * b.W);

    /// <summary>this += a b</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(float a, Quad b)
    {
        X += a * b.X;
        Y += a * b.Y;
        Z += a * b.Z;
        W += a * b.W;
    }
}

/// <summary>
/// Four rows of four sums. All sums are named fields, which ILGPU keeps in registers; it would put the elements of an array into memory.
/// </summary>
internal struct Sums4
{
    public Quad R0, R1, R2, R3;

    /// <summary>Adds the outer product of four numbers of A and four of B.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(Quad a, Quad b)
    {
        R0.Add(a.X, b);
        R1.Add(a.Y, b);
        R2.Add(a.Z, b);
        R3.Add(a.W, b);
    }

    /// <summary>Moves the rows up by one: a loop over the rows then needs no index, which registers do not have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Shift(Quad below)
    {
        R0 = R1;
        R1 = R2;
        R2 = R3;
        R3 = below;
    }
}

/// <summary>Eight rows of eight sums: the quarters of a square.</summary>
internal struct Sums8
{
    public Sums4 UpperLeft, UpperRight, LowerLeft, LowerRight;

    /// <summary>
    /// Adds the outer product of the quads <paramref name="k"/> and <paramref name="k"/> + <paramref name="half"/> of A and of B.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ArrayView<Quad> a, ArrayView<Quad> b, int k, int half)
    {
        Quad upper = a[k], lower = a[k + half], left = b[k], right = b[k + half];
        UpperLeft.Add(upper, left);
        UpperRight.Add(upper, right);
        LowerLeft.Add(lower, left);
        LowerRight.Add(lower, right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Shift()
    {
        UpperLeft.Shift(LowerLeft.R0);
        UpperRight.Shift(LowerRight.R0);
        LowerLeft.Shift(default);
        LowerRight.Shift(default);
    }
}

/// <summary>
/// The sums of one lane of a group that computes a square of C, and the square's measures. A slab is <see cref="Depth"/> steps of k of the
/// square's rows of A or columns of B, in shared memory; the quads of a step are followed by an unused one, which keeps lanes that store
/// down a column off each other's memory banks. There are as many quads in a slab as lanes in a group.
/// </summary>
/// <typeparam name="TSelf">The sums themselves.</typeparam>
internal interface IGemmTile<TSelf> where TSelf : unmanaged, IGemmTile<TSelf>
{
    /// <summary>Rows and columns of the square.</summary>
    static abstract int Side { get; }

    /// <summary>Steps of k in a slab.</summary>
    static abstract int Depth { get; }

    /// <summary>Lanes side by side, and one below the other.</summary>
    static abstract int Across { get; }

    /// <summary>Quads of sums a lane has side by side, and one below the other: their distance is the side over this number.</summary>
    static abstract int Quads { get; }

    /// <summary>Shared memory for two slabs of A and two of B.</summary>
    static abstract ArrayView<Quad> Room();

    /// <summary>The first quad of the first row.</summary>
    Quad Left { get; }

    /// <summary>The second quad of the first row.</summary>
    Quad Right { get; }

    /// <summary>Adds the product of two slabs, given from the lane's first quad on.</summary>
    void Add(ArrayView<Quad> a, ArrayView<Quad> b);

    /// <summary>Moves the rows up by one.</summary>
    void Shift();
}
