using System.Reflection;

namespace Mayfly.Tests;

/// <summary>
/// What a user can do who has the package alone: a project outside of the repository, made of samples/Extending and of copies of the
/// package's own rules and modules, is built against the packed assemblies and run.
/// </summary>
public sealed class StrangerTests : IDisposable
{
    /// <summary>Our modules.</summary>
    private static readonly string[] modules =
    [
        "Linear", "LayerNorm", "RmsNorm", "Embedding", "Attention", "Mlp", "SwigluMlp", "TransformerBlock", "Decoder", "Gpt", "Llama",
    ];

    private readonly TemporaryFolder folder = new();
    private readonly string version = $"0.0.0-stranger{Guid.NewGuid():N}"; // one that no cache has

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_project_with_the_package_alone_compiles_and_runs_rules_kernels_tokenizers_and_models_of_its_own()
    {
        Pack();
        Write();
        Dotnet("build", folder.File("Stranger.csproj"), "-c", "Release", "--disable-build-servers", "-nologo", "-v", "q");
        string program = Directory.GetFiles(folder.File("bin"), "Stranger.dll", SearchOption.AllDirectories).Single();
        string runtime = File.ReadAllText(Path.ChangeExtension(program, ".runtimeconfig.json"));
        Assert.Contains("\"System.Runtime.TieredPGO\": false", runtime); // as the samples run
        Assert.Contains("\"System.GC.Concurrent\": false", runtime);
        string[] lines = Dotnet("exec", program).Split('\n', StringSplitOptions.TrimEntries);

        Assert.Contains("gradient check passed", lines); // the kernel's among them
        Assert.Contains("ParallelConfig: two three four five six seven", lines);
        Assert.Contains("TrigramConfig: two three four five six seven", lines);
        Assert.Contains("backwards: five four three two one", lines);
        Assert.Contains("Spectral: learns", lines);
        Assert.Contains("generation by kept keys: equal", lines);
        string[] rules = [.. Recipes.Names.Select(name => Recipes.Get(name).GetType().Name).Distinct(), "Chain"];
        Assert.Equal(rules, lines.Where(line => line.EndsWith("equal bits", StringComparison.Ordinal)).Select(line => line.Split(':')[0]));
    }

    /// <summary>An application under a debugger steps through its own code, and computes as fast as ever.</summary>
    [Fact]
    public void The_library_is_optimised_in_a_Debug_build_too()
    {
        string project = Path.Combine(DocsTests.Root, "src/Kernels/Kernels.csproj");
        Assert.Equal("true", Dotnet("msbuild", project, "-getProperty:Optimize", "-p:Configuration=Debug", "-nodeReuse:false").Trim());
    }

    /// <summary>Packs what was built for this test, and builds nothing.</summary>
    private void Pack()
    {
        string configuration = typeof(StrangerTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        string[] settings =
        [
            $"Configuration={configuration}", $"PackageVersion={version}", $"PackageOutputPath={folder.File("feed")}",
            $"NuspecOutputPath={folder.File("nuspec")}", "IncludeSymbols=false", "NoBuild=true", "BuildProjectReferences=false",
        ];
        string project = Path.Combine(DocsTests.Root, "src/Mayfly/Mayfly.csproj");
        Dotnet(["msbuild", project, "-t:Pack", "-nodeReuse:false", .. settings.Select(setting => $"-p:{setting}")]);
    }

    private void Write()
    {
        string packages = Dotnet("nuget", "locals", "global-packages", "--list", "--force-english-output").Split(": ", 2)[1].Trim();
        folder.Write("Stranger.csproj", Project(packages));
        foreach (string path in Files("samples/Extending").Concat(Files("tests/PublicApi/Stranger")))
            folder.Write(Path.GetFileName(path), File.ReadAllText(path));
        string[] formulas = [Path.Combine(DocsTests.Root, "src/Optim/NumberFormulas.cs")];
        foreach (string path in Files("src/Optim/Rules").Concat(formulas).Concat(Files("src/Nn").Where(IsModule)))
            folder.Write(Path.Combine("Outside", Path.GetFileName(path)), Outside(File.ReadAllText(path)));
    }

    /// <summary>
    /// An empty project's file. The packages that Mayfly depends on were restored for this test already and are read where they lie;
    /// Mayfly is restored here, so that no cache keeps it.
    /// </summary>
    private string Project(string packages) =>
        $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
            <StartupObject>Outside.Stranger</StartupObject>
            <RestorePackagesPath>{folder.File("packages")}</RestorePackagesPath>
            <RestoreFallbackFolders>{packages}</RestoreFallbackFolders>
            <RestoreSources>{folder.File("feed")}</RestoreSources>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="Mayfly" Version="{version}" />
          </ItemGroup>
        </Project>
        """;

    private static string Outside(string source) => "using Mayfly;\n" + source.Replace("namespace Mayfly;", "namespace Outside;");

    private static bool IsModule(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        return modules.Contains(name) || modules.Any(m => name == m + "Config");
    }

    private static string[] Files(string path) => Directory.GetFiles(Path.Combine(DocsTests.Root, path), "*.cs");

    private string Dotnet(params string[] arguments)
    {
        var (exitCode, output, errors) = TestProcess.Dotnet(arguments, folder.Path);
        Assert.True(exitCode == 0, $"dotnet {string.Join(' ', arguments)} ended with {exitCode}:\n{output}\n{errors}");
        return output;
    }
}
