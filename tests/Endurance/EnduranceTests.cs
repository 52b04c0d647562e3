namespace Mayfly.Tests;

/// <summary>A little of what the commands <c>soak</c> and <c>faults</c> of the test assembly do at length.</summary>
public class EnduranceTests
{
    [Fact]
    public void A_thousand_steps_of_changing_shapes_leave_nothing_behind() =>
        Assert.Contains("2 exceptions", Soak.Run(1000, TextWriter.Null, isAlone: false));

    [Theory]
    [InlineData("sgd momentum")]
    [InlineData("muon")]
    public void A_fault_at_any_place_of_a_step_leaves_it_unmoved_or_torn(string rule) =>
        Assert.Contains("0 leaks", Faults.Run(RuleTable.Lines.Where(l => l.Name == rule), TextWriter.Null));

    /// <summary>A patch that no longer fits would prove nothing.</summary>
    [Fact]
    public void Each_mutant_fits_the_code_at_one_place()
    {
        if (DocsTests.Root is not { } root) return;
        Assert.True(MutantList.All.Length >= 30);
        foreach (var mutant in MutantList.All)
        {
            string text = File.ReadAllText(Path.Combine(root, mutant.Path));
            Assert.True(text.Split(mutant.From).Length == 2, $"{mutant.Name}: {mutant.Path} has not exactly one '{mutant.From}'.");
        }
    }
}
