namespace Mayfly;

/// <summary>
/// What writing asks of the operating system, one method a request: every writer of files goes through here, so that a test can let each
/// request fail, and see in which order they come.
/// </summary>
internal class Disk
{
    private static readonly Disk System = new();
    private static readonly AsyncLocal<Disk?> Other = new();

    /// <summary>The file system, or what a test has put in its place.</summary>
    public static Disk Current => Other.Value ?? System;

    /// <summary>Takes another disk for all that this thread writes, until the result is disposed.</summary>
    public static IDisposable Use(Disk disk)
    {
        Other.Value = disk;
        return new Restoring();
    }

    /// <summary>Makes a folder where it is missing, and waits until its name is on the disk.</summary>
    public virtual void CreateFolder(string folder)
    {
        if (Directory.Exists(folder)) return;
        Directory.CreateDirectory(folder);
        if (Path.GetDirectoryName(Path.GetFullPath(folder)) is { } parent) FlushFolder(parent);
    }

    /// <summary>
    /// Makes a new file, for writing and reading back; a file or link of that name is an error. While it is open its lock tells that its
    /// writer is alive.
    /// </summary>
    public virtual Stream Create(string path) =>
        new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, bufferSize: 0);

    /// <summary>Returns when what was written is on the disk.</summary>
    public virtual void Flush(Stream stream)
    {
        if (OperatingSystem.IsWindows()) ((FileStream)stream).Flush(flushToDisk: true);
        else Posix.Sync(((FileStream)stream).SafeFileHandle);
    }

    /// <summary>
    /// Gives a file another name, in place of a file that has it; a link of that name is replaced, not followed. A folder gets a free name.
    /// </summary>
    public virtual void Rename(string from, string to)
    {
        if (Directory.Exists(from)) Directory.Move(from, to);
        else File.Move(from, to, overwrite: true);
    }

    /// <summary>Gives a file another name that nobody has.</summary>
    /// <returns>False where another file has it.</returns>
    public virtual bool TryRename(string from, string to)
    {
        try
        {
            File.Move(from, to, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(to))
        {
            return false;
        }
    }

    /// <summary>Gives a file a second name.</summary>
    /// <returns>False where the file system has no second names.</returns>
    public virtual bool TryLink(string file, string name) => !OperatingSystem.IsWindows() && Posix.TryLink(file, name);

    /// <summary>Deletes a file, if it is there.</summary>
    public virtual void Delete(string path) => File.Delete(path);

    /// <summary>Returns when a folder's names are on the disk. Windows keeps them by its journal.</summary>
    public virtual void FlushFolder(string folder)
    {
        if (!OperatingSystem.IsWindows()) Posix.SyncFolder(folder);
    }

    private sealed class Restoring : IDisposable
    {
        public void Dispose() => Other.Value = null;
    }
}
