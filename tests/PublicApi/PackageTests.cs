using System.Xml.Linq;

namespace Mayfly.Tests;

/// <summary>The packaging project bundles all of src/, and depends on what the bundled projects depend on.</summary>
public class PackageTests
{
    private const string Package = "Mayfly";

    [Fact]
    public void Every_project_of_src_is_in_the_package_and_none_is_one_of_its_own()
    {
        string[] projects = [.. Directory.GetFiles(Path.Combine(DocsTests.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Select(path => Path.GetFileNameWithoutExtension(path)!).Order()];
        Assert.Equal(projects, Reached(Package, []).Order());
        Assert.Equal([Package], projects.Where(name => Project(name).Descendants("IsPackable").Any(e => e.Value == "true")));
        Assert.Equal(["false"], Load("Directory.Build.props").Descendants("IsPackable").Select(e => e.Value));
    }

    [Fact]
    public void The_package_depends_on_what_its_assemblies_do()
    {
        string[] bundled = [.. Reached(Package, []).Where(name => name != Package)];
        Assert.Equal(bundled.SelectMany(Dependencies).Distinct().Order(), Dependencies(Package).Order());
        Assert.Contains("ILGPU.Algorithms", Dependencies(Package));
    }

    /// <summary>ILGPU's types are for who writes the GPU form of a kernel, and no other library's are for users.</summary>
    [Fact]
    public void No_public_member_shows_a_type_of_another_library()
    {
        string[] members = [.. Directory.GetFiles(Path.Combine(DocsTests.Root, "src"), "PublicAPI.*.txt", SearchOption.AllDirectories)
            .SelectMany(File.ReadLines)];
        Assert.Contains(members, line => line.Contains("Mayfly.Tensor"));
        Assert.DoesNotContain(members, line => line.Contains("MathNet.") || (line.Contains("ILGPU.") && !line.Contains("Mayfly.Gpu")));
    }

    private static HashSet<string> Reached(string project, HashSet<string> reached)
    {
        if (!reached.Add(project)) return reached;
        foreach (string next in Items(Project(project), "ProjectReference")) Reached(Path.GetFileNameWithoutExtension(next), reached);
        return reached;
    }

    private static IEnumerable<string> Dependencies(string project) => Items(Project(project), "PackageReference");

    private static IEnumerable<string> Items(XDocument project, string kind) =>
        project.Descendants(kind).Select(item => item.Attribute("Include")!.Value);

    private static XDocument Project(string name) => Load($"src/{name}/{name}.csproj");

    private static XDocument Load(string path) => XDocument.Load(Path.Combine(DocsTests.Root, path));
}
