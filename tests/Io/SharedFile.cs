namespace Mayfly.Tests;

/// <summary>Files that lie beside the repository, not in it: in MAYFLY_SHARED, or in a folder <c>shared</c> next to the repository or further up.</summary>
internal static class SharedFile
{
    /// <summary>The path of a shared file, or null where this machine has none.</summary>
    public static string? Find(string name)
    {
        if (Environment.GetEnvironmentVariable("MAYFLY_SHARED") is { Length: > 0 } shared) return Existing(Path.Combine(shared, name));
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Existing(Path.Combine(folder.FullName, "shared", name)) is { } path) return path;
        return null;
    }

    private static string? Existing(string path) => File.Exists(path) ? path : null;
}

/// <summary>A test that is skipped, naming the file, where a shared file is missing.</summary>
internal sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute(string name)
    {
        if (SharedFile.Find(name) is null) Skip = $"shared/{name} is not on this machine.";
    }
}
