namespace Mayfly.Tests;

/// <summary>
/// Which numbers each lane of a warp hands to mma.sync and gets back, by a model of that instruction made from the tables of NVIDIA's
/// "PTX ISA" alone.
/// </summary>
public class TensorCoreTests
{
    [Fact]
    public void Lanes_hold_what_tf32_products_take() => Check<Tf32Core>(
        (lane, i) => (lane / 4 + i % 2 * 8, lane % 4 + i / 2 * 4), (lane, i) => (lane % 4 + i * 4, lane / 4),
        (upperFirst, lowerFirst, upperSecond, lowerSecond) => [upperFirst, lowerFirst, upperSecond, lowerSecond]);

    /// <summary>A register holds two numbers, the first in its lower half.</summary>
    [Fact]
    public void Lanes_hold_what_bf16_products_take()
    {
        Check<Bf16Core>(
            (lane, i) => (lane / 4 + i / 2 * 8, lane % 4 * 2 + i % 2), (lane, i) => (lane % 4 * 2 + i % 2, lane / 4),
            (upperFirst, lowerFirst, upperSecond, lowerSecond) =>
                [.. Halves(Bf16Core.Pair(upperFirst, upperSecond)), .. Halves(Bf16Core.Pair(lowerFirst, lowerSecond))]);

        static float[] Halves(uint pair) =>
            [BitConverter.UInt32BitsToSingle(pair << 16), BitConverter.UInt32BitsToSingle(pair & 0xFFFF0000)];
    }

    [Theory]
    [InlineData(1f, 1f, 1f)]
    [InlineData(-3.14159274f, -3.140625f, -3.140625f)]
    [InlineData(1.00048828125f, 1.0009765625f, 1f)] // half a digit of TF32: away from zero
    [InlineData(1.00390625f, 1.00390625f, 1f)] // half a digit of BF16: to even
    [InlineData(1.01171875f, 1.01171875f, 1.015625f)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN, float.NaN)]
    public void Operands_are_rounded_to_nearest(float x, float tf32, float bf16) =>
        Assert.Equal((tf32, bf16), (Tf32Core.Rounded(x), Bf16Core.Rounded(x)));

    /// <param name="placeOfA">Row and step of a lane's number i of A, by the instruction's table.</param>
    /// <param name="placeOfB">Step and column of a lane's number i of B.</param>
    /// <param name="order">The lane's numbers of A in the order of the instruction.</param>
    private static void Check<TCore>(
        Func<int, int, (int, int)> placeOfA, Func<int, int, (int, int)> placeOfB, Func<float, float, float, float, float[]> order)
        where TCore : unmanaged, ITensorCore
    {
        var random = new Random(1);
        float Number() => TCore.Rounded(2 * random.NextSingle() - 1);
        float[,] a = new float[16, 8], b = new float[8, 8], seenA = new float[16, 8], seenB = new float[8, 8];
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 16; j++) (a[j, i], b[i, j % 8]) = (Number(), Number());
        var sums = new double[16, 8];
        for (int lane = 0; lane < 32; lane++)
        {
            int row = TensorSums.Row(lane), first = TCore.First(lane), second = TCore.Second(lane);
            float[] ofA = order(a[row, first], a[row + 8, first], a[row, second], a[row + 8, second]);
            float[] ofB = [b[first, row], b[second, row]];
            for (int i = 0; i < 4; i++) Put(seenA, placeOfA(lane, i), ofA[i]);
            for (int i = 0; i < 2; i++) Put(seenB, placeOfB(lane, i), ofB[i]);
        }

        Assert.Equal(a, seenA);
        Assert.Equal(b, seenB);
        for (int lane = 0; lane < 32; lane++)
            for (int i = 0; i < 4; i++)
            {
                // the instruction's sum i of a lane, and where the kernel writes it
                int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
                double sum = Enumerable.Range(0, 8).Sum(k => (double)seenA[row, k] * seenB[k, column]);
                sums[TensorSums.Row(lane) + i / 2 * TensorSums.High / 2, TensorSums.Column(lane) + i % 2] = sum;
            }

        for (int row = 0; row < 16; row++)
            for (int column = 0; column < 8; column++)
                Assert.Equal(Enumerable.Range(0, 8).Sum(k => (double)a[row, k] * b[k, column]), sums[row, column]);
    }

    private static void Put(float[,] matrix, (int Row, int Column) place, float value) => matrix[place.Row, place.Column] = value;
}
