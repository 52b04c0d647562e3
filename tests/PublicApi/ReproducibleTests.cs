using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Mayfly.Tests;

/// <summary>
/// The same sources give the same bytes in any folder: neither an assembly nor its symbols say where they were built.
/// </summary>
public class ReproducibleTests
{
    /// <summary>The project's own assemblies beside the tests.</summary>
    public static TheoryData<string> Assemblies => [.. Directory.GetFiles(AppContext.BaseDirectory, "*.dll")
        .Select(file => Path.GetFileName(file)!)
        .Where(name => name.StartsWith("Mayfly.", StringComparison.Ordinal) || name is "TrainGpt.dll" or "Extending.dll" or "Micro.dll")];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Assemblies_and_symbols_name_no_folder_of_this_machine(string name)
    {
        string file = Path.Combine(AppContext.BaseDirectory, name);
        using var assembly = new PEReader(File.OpenRead(file));
        var entry = assembly.ReadDebugDirectory().Single(entry => entry.Type == DebugDirectoryEntryType.CodeView);
        Assert.StartsWith("/_/", assembly.ReadCodeViewDebugDirectoryData(entry).Path);
        using var symbols = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(file, ".pdb")));
        var reader = symbols.GetMetadataReader();
        Assert.All(reader.Documents, document => Assert.StartsWith("/_/", reader.GetString(reader.GetDocument(document).Name)));
        Assert.NotEmpty(reader.CustomDebugInformation); // the sources, for debuggers
    }

    [Fact]
    public void Every_library_is_looked_at() => Assert.True(Assemblies.Count() >= 8, string.Join(", ", Assemblies.Select(row => row.Data)));
}
