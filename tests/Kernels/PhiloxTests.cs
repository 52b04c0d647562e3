namespace Mayfly.Tests;

public class PhiloxTests
{
    /// <summary>The known answers for philox4x32-10 that its authors publish with Random123 (kat_vectors).</summary>
    [Theory]
    [InlineData(0, 0, 0, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0ul, ~0ul, ~0ul, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x85a308d3_243f6a88, 0x03707344_13198a2e, 0x299f31d0_a4093822, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Matches_the_published_vectors(ulong counter, ulong stream, ulong seed, uint a, uint b, uint c, uint d) =>
        Assert.Equal((a, b, c, d), Philox.Block(new RandomKey(seed, stream), counter));

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(0xFFFF_FFFE)]
    [InlineData(0x0123_4567_89AB_CDEF)]
    public unsafe void Vectors_draw_the_bits_of_the_scalar_form(ulong counter)
    {
        var key = new RandomKey(0x9876_5432_10FE_DCBA, 0xFEDC_BA98_7654_3210);
        const int blocks = 24;
        float* units = stackalloc float[4 * blocks];
        Philox.Units(key, counter, units, blocks);
        for (int i = 0; i < 4 * blocks; i++)
            Assert.Equal(Philox.Unit(Philox.Bits(key, (long)(4 * counter) + i)), units[i]);
    }

    [Fact]
    public void Units_stay_below_one()
    {
        Assert.Equal(0f, Philox.Unit(255));
        Assert.Equal(1f - 1f / (1 << 24), Philox.Unit(uint.MaxValue));
    }
}
