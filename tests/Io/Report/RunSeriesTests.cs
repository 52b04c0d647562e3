namespace Mayfly.Tests;

public class RunSeriesTests
{
    [Fact]
    public void Columns_are_found_by_name_and_missing_values_are_not_a_number()
    {
        const string Text =
            "loss,step,validation_loss,learning_rate,other,live_bytes\r\n4.5,1,,1E-05,x,100\r\n4.25,2,4.75,2E-05,y\r\n\r\n4.1,3,4.";
        RunPoint[] expected =
        [
            new(1, 4.5, double.NaN, 1e-5, double.NaN, double.NaN, 100),
            new(2, 4.25, 4.75, 2e-5, double.NaN, double.NaN, double.NaN),
        ];
        Assert.Equal(expected, RunSeries.Parse(Text, "log.csv"));
    }

    [Theory]
    [InlineData("", "line 1")]
    [InlineData("a,b\n1,2\n", "line 1")]
    [InlineData("step,loss\n1,2\n2,two\n", "line 3")]
    [InlineData("step,loss\n,2\n", "line 2")]
    public void What_is_no_log_is_named(string text, string field) =>
        Assert.Equal(field, Assert.Throws<BadFileException>(() => RunSeries.Parse(text, "log.csv")).Field);

    [Fact]
    public void A_log_is_read_from_its_file()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(7, Assert.Single(RunSeries.Read(folder.Write("log.csv", "step,loss\n7,1\n"))).Step);
        Assert.Throws<InputException>(() => RunSeries.Read(folder.File("none.csv")));
    }
}
