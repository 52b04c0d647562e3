using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>
/// The sums that a lane holds of its warp's 64 rows and 32 columns: four products one below the other, four side by side.
/// </summary>
internal struct TensorSums
{
    /// <summary>Rows and columns of one product.</summary>
    public const int High = 16, Wide = 8;

    private Sums4 r0, r1, r2, r3;

    /// <summary>The first product's.</summary>
    public readonly Quad Head => r0.R0;

    /// <summary>The first row of a product that a lane holds, of A and of the sums; the second is 8 rows below.</summary>
    public static int Row(int lane) => lane / 4;

    /// <summary>The first column of a product's sums that a lane holds; the second is the next.</summary>
    public static int Column(int lane) => lane % 4 * 2;

    /// <summary>
    /// Adds the product of two slabs of 8 steps, whose lines are so many floats apart, from the warp's row and column on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add<TCore>(ArrayView<float> a, ArrayView<float> b, int line, int row, int column, int lane)
        where TCore : unmanaged, ITensorCore
    {
        int first = TCore.First(lane) * line, second = TCore.Second(lane) * line, left = column + Row(lane), top = row + Row(lane);
        Quad firsts = Across(b, first + left), seconds = Across(b, second + left);
        r0 = Add<TCore>(r0, a, first + top, second + top, firsts, seconds);
        r1 = Add<TCore>(r1, a, first + top + High, second + top + High, firsts, seconds);
        r2 = Add<TCore>(r2, a, first + top + 2 * High, second + top + 2 * High, firsts, seconds);
        r3 = Add<TCore>(r3, a, first + top + 3 * High, second + top + 3 * High, firsts, seconds);
    }

    /// <summary>Moves the products up by one, along their rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Shift()
    {
        r0.Shift(r1.R0);
        r1.Shift(r2.R0);
        r2.Shift(r3.R0);
        r3.Shift(default);
    }

    /// <summary>A lane's number of each of four products side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Across(ArrayView<float> b, int place) =>
        Quad.Of(b[place], b[place + Wide], b[place + 2 * Wide], b[place + 3 * Wide]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Sums4 Add<TCore>(Sums4 sums, ArrayView<float> a, int first, int second, Quad firsts, Quad seconds)
        where TCore : unmanaged, ITensorCore
    {
        float upperFirst = a[first], lowerFirst = a[first + High / 2], upperSecond = a[second], lowerSecond = a[second + High / 2];
        return new()
        {
            R0 = TCore.Add(sums.R0, upperFirst, lowerFirst, upperSecond, lowerSecond, firsts.X, seconds.X),
            R1 = TCore.Add(sums.R1, upperFirst, lowerFirst, upperSecond, lowerSecond, firsts.Y, seconds.Y),
            R2 = TCore.Add(sums.R2, upperFirst, lowerFirst, upperSecond, lowerSecond, firsts.Z, seconds.Z),
            R3 = TCore.Add(sums.R3, upperFirst, lowerFirst, upperSecond, lowerSecond, firsts.W, seconds.W),
        };
    }
}
