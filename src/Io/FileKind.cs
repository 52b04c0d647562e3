namespace Mayfly;

/// <summary>What a name of the file system stands for.</summary>
internal enum FileKind
{
    /// <summary>Nothing has the name.</summary>
    Missing,

    /// <summary>A file of bytes: the only kind that is read and written as data.</summary>
    Regular,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A symbolic link, whatever it leads to.</summary>
    Link,

    /// <summary>A FIFO or a pipe, which can make a reader wait for ever.</summary>
    Pipe,

    /// <summary>A device, such as <c>/dev/null</c> or a terminal.</summary>
    Device,

    /// <summary>A socket.</summary>
    Socket,
}

/// <summary>A file itself, whatever its name is at the moment.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Device">The file system it is on; 0 where the system does not tell.</param>
/// <param name="Number">Its number there.</param>
internal readonly record struct FileIdentity(FileKind Kind, ulong Device, ulong Number)
{
    /// <summary>Refuses what is no regular file.</summary>
    /// <exception cref="IOException">The message says what it is.</exception>
    public void CheckRegular()
    {
        if (Kind is not FileKind.Regular) throw new IOException($"it is a {Kind.ToString().ToLowerInvariant()}, not a file.");
    }
}
