namespace Mayfly.Tests;

public class ShapeTests
{
    [Fact]
    public void Reads_as_a_tuple() => Assert.Equal("(12, 64, 128)", new Shape(12, 64, 128).ToString());
}
