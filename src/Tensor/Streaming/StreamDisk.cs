using Microsoft.Win32.SafeHandles;

namespace Mayfly;

/// <summary>What streaming asks of the operating system, one method a request, so that a test can let each fail.</summary>
internal class StreamDisk
{
    /// <summary>Opens a file for this process alone; it is made where it is missing.</summary>
    public virtual SafeFileHandle Open(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
    }

    /// <summary>The bytes of the file.</summary>
    public virtual long Length(SafeFileHandle file) => RandomAccess.GetLength(file);

    /// <summary>Makes the file as long.</summary>
    public virtual void SetLength(SafeFileHandle file, long bytes) => RandomAccess.SetLength(file, bytes);

    /// <summary>Reads at a place; fewer bytes than asked for may come, none at the end.</summary>
    public virtual int Read(SafeFileHandle file, Span<byte> bytes, long place) => RandomAccess.Read(file, bytes, place);

    /// <summary>Writes at a place.</summary>
    public virtual void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long place) => RandomAccess.Write(file, bytes, place);

    /// <summary>Deletes the file, if it is there.</summary>
    public virtual void Delete(string path) => File.Delete(path);
}
