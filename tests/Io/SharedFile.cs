namespace Mayfly.Tests;

/// <summary>
/// Files that lie beside the repository, not in it: in MAYFLY_SHARED, or in a folder <c>shared</c> next to the repository or further up.
/// </summary>
internal static class SharedFile
{
    /// <summary>The path of a shared file; where this machine has none, the test is skipped and names it.</summary>
    public static string Get(string name)
    {
        string? path = Find(name);
        Assert.SkipWhen(path is null, $"shared/{name} is not on this machine.");
        return path;
    }

    private static string? Find(string name)
    {
        if (Environment.GetEnvironmentVariable("MAYFLY_SHARED") is { Length: > 0 } shared) return Existing(Path.Combine(shared, name));
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Existing(Path.Combine(folder.FullName, "shared", name)) is { } path) return path;
        return null;
    }

    private static string? Existing(string path) => File.Exists(path) ? path : null;
}
