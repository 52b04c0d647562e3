namespace Mayfly.Tests;

/// <summary>
/// Damaged files of every format end in the documented error or are read, and take memory in proportion to their length.
/// <c>Tests.dll fuzz N SEED</c> does the same at length.
/// </summary>
public class FuzzTests(FuzzTests.Fixture fixture) : IClassFixture<FuzzTests.Fixture>
{
    private const int Mutants = 400;

    /// <summary>The samples, made once.</summary>
    public sealed class Fixture : IDisposable
    {
        internal FuzzFormats Formats { get; } = new();

        /// <inheritdoc/>
        public void Dispose() => Formats.Dispose();
    }

    /// <summary>The formats.</summary>
    public static TheoryData<string> Names => [.. FuzzFormats.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Damaged_files_are_read_or_refused(string name)
    {
        var result = FuzzRun.Run(fixture.Formats.All.Single(format => format.Name == name), Mutants, seed: 1, watchesTime: false);
        Assert.Empty(result.Faults);
        Assert.InRange(result.Refused, 1, Mutants);
    }

    [Fact]
    public void Every_format_has_a_name_here() => Assert.Equal(FuzzFormats.Names, fixture.Formats.All.Select(format => format.Name));
}
