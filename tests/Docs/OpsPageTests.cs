namespace Mayfly.Tests;

/// <summary>The page of the ops is what the code says.</summary>
public class OpsPageTests
{
    [Fact]
    public void The_page_is_printed_from_the_code()
    {
        string printed = OpsPage.Print();
        Assert.True(File.Exists(OpsPage.File) && File.ReadAllText(OpsPage.File) == printed,
            $"{OpsPage.File} is not what the code says; print it anew: dotnet run -c Release --project tests -- ops\n{printed}");
    }
}
