namespace Mayfly;

/// <summary>Writes a folder that has its name when all of it is there.</summary>
internal static class NewFolder
{
    private const string Partial = ".partial";

    /// <summary>Writes a folder.</summary>
    /// <param name="path">The folder, which is not there or empty.</param>
    /// <param name="write">Writes files into the folder that it is given.</param>
    /// <exception cref="InputException">There is something of that name, or it cannot be written.</exception>
    public static void Write(string path, Action<string> write)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), partial = target + Partial;
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
            throw new InputException($"'{path}' is there already; name a new folder, so that its files are of one model.");
        Clear(partial);
        try
        {
            write(partial);
            if (Directory.Exists(target)) Directory.Delete(target);
            Files.Move(partial, target);
        }
        finally
        {
            Clear(partial);
        }
    }

    private static void Clear(string folder)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
