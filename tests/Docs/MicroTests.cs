namespace Mayfly.Tests;

/// <summary>The small samples print what their pages show, and stay short enough to read in one sitting.</summary>
public class MicroTests
{
    [Theory]
    [InlineData("docs/tutorial.md", "Micro", 150)]
    [InlineData("docs/engine.md", "TinyEngine", 200)]
    public void A_small_sample_prints_what_its_page_shows(string page, string sample, int mostLines)
    {
        ShownOutput.IsWhatItPrints(page, sample);
        ShownOutput.SaysHowLong(page, sample, mostLines);
    }
}
