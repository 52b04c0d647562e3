namespace Mayfly.Tests;

/// <summary>The pages of the API are what the code says.</summary>
public class ApiPagesTests
{
    [Fact]
    public void The_pages_are_printed_from_the_code()
    {
        foreach (var (file, text) in ApiPages.Print())
        {
            string path = Path.Combine(ApiPages.Folder, file);
            Assert.True(File.Exists(path) && File.ReadAllText(path) == text,
                $"{path} is not what the code says; print it anew: dotnet run -c Release --project tests -- api");
        }
    }

    [Fact]
    public void Every_page_belongs_to_an_assembly() =>
        Assert.Equal(ApiPages.Print().Select(page => page.File).Order(),
            Directory.GetFiles(ApiPages.Folder).Select(path => Path.GetFileName(path)!).Order());

    [Theory]
    [InlineData("Record", "static Tape Record(Device? device = null, RandomState random = default)")]
    [InlineData("GradientOf", "Tensor? GradientOf(Tensor x)")]
    [InlineData("Accumulates", "bool Accumulates { get; set; }")]
    public void A_member_is_shown_as_it_is_declared(string member, string declared) =>
        Assert.Equal(declared, ApiNames.Declared(typeof(Tape).GetMember(member)[0]));
}
