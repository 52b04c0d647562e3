using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// The 8 x 4 elements of a tile that a lane owns: rows 4 IdxY to 4 IdxY + 3 of the tile's upper and of its lower half, columns 4 IdxX to 4
/// IdxX + 3.
/// </summary>
internal struct AttentionPiece(Sums4 upper, Sums4 lower)
{
    public Sums4 Upper = upper, Lower = lower;

    /// <summary>The sum of each row's four elements.</summary>
    public readonly AttentionNumbers Totals => new(QuadMath.Totals(Upper), QuadMath.Totals(Lower));

    /// <summary>The largest of each row's four elements.</summary>
    public readonly AttentionNumbers Largest => new(QuadMath.Largest(Upper), QuadMath.Largest(Lower));

    /// <summary>The rows, each times its factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly AttentionPiece Scaled(AttentionNumbers by) => new(QuadMath.Scaled(Upper, by.Upper), QuadMath.Scaled(Lower, by.Lower));

    /// <summary>exp(element - its row's number).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly AttentionPiece Exp(AttentionNumbers less) => new(QuadMath.Exp(Upper, less.Upper), QuadMath.Exp(Lower, less.Lower));
}

/// <summary>A number for each row of a lane's piece.</summary>
internal readonly struct AttentionNumbers(Quad upper, Quad lower)
{
    public readonly Quad Upper = upper, Lower = lower;

    public static AttentionNumbers Of(float x) => new(Quad.Of(x, x, x, x), Quad.Of(x, x, x, x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionNumbers Plus(AttentionNumbers other) => new(Upper + other.Upper, Lower + other.Lower);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionNumbers Times(AttentionNumbers other) => new(QuadMath.Times(Upper, other.Upper), QuadMath.Times(Lower, other.Lower));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionNumbers Max(AttentionNumbers other) => new(QuadMath.Max(Upper, other.Upper), QuadMath.Max(Lower, other.Lower));

    /// <summary>exp(this - other).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionNumbers Exp(AttentionNumbers less) =>
        new(QuadMath.Exp(QuadMath.Minus(Upper, less.Upper), 0f), QuadMath.Exp(QuadMath.Minus(Lower, less.Lower), 0f));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionNumbers Inverse() => new(QuadMath.Inverse(Upper), QuadMath.Inverse(Lower));

    /// <summary>Zero where <paramref name="value"/> is at most <paramref name="bound"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AttentionNumbers WhereAbove(float bound, AttentionNumbers value) =>
        new(QuadMath.WhereAbove(Upper, bound, value.Upper), QuadMath.WhereAbove(Lower, bound, value.Lower));
}

/// <summary>What attention does with four numbers, and with four rows of them.</summary>
internal static class QuadMath
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Minus(Quad a, Quad b) => Quad.Of(a.X - b.X, a.Y - b.Y, a.Z - b.Z, a.W - b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Times(Quad a, Quad b) => Quad.Of(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Max(Quad a, Quad b) => Quad.Of(Larger(a.X, b.X), Larger(a.Y, b.Y), Larger(a.Z, b.Z), Larger(a.W, b.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Inverse(Quad a) => Quad.Of(1f / a.X, 1f / a.Y, 1f / a.Z, 1f / a.W);

    /// <summary>a where <paramref name="value"/> is above <paramref name="bound"/>, else zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad WhereAbove(Quad a, float bound, Quad value) => Quad.Of(
        value.X > bound ? a.X : 0f, value.Y > bound ? a.Y : 0f, value.Z > bound ? a.Z : 0f, value.W > bound ? a.W : 0f);

    /// <summary>exp(a - less).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Exp(Quad a, float less) => Quad.Of(Exp(a.X - less), Exp(a.Y - less), Exp(a.Z - less), Exp(a.W - less));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums4 Exp(Sums4 a, Quad less) => Rows(Exp(a.R0, less.X), Exp(a.R1, less.Y), Exp(a.R2, less.Z), Exp(a.R3, less.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums4 Scaled(Sums4 a, Quad by) => Rows(by.X * a.R0, by.Y * a.R1, by.Z * a.R2, by.W * a.R3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Totals(Sums4 a) => Quad.Of(Total(a.R0), Total(a.R1), Total(a.R2), Total(a.R3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Largest(Sums4 a) => Quad.Of(Largest(a.R0), Largest(a.R1), Largest(a.R2), Largest(a.R3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums4 Rows(Quad a, Quad b, Quad c, Quad d) => new() { R0 = a, R1 = b, R2 = c, R3 = d };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad All(float x) => Quad.Of(x, x, x, x);

    private static float Total(Quad a) => a.X + a.Y + (a.Z + a.W);

    private static float Largest(Quad a) => Larger(Larger(a.X, a.Y), Larger(a.Z, a.W));

    private static float Larger(float a, float b) => a > b ? a : b;

    private static float Exp(float x) => G1.Exp(new G1(x)).Value;
}
