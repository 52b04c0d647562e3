using System.Text;

namespace Mayfly;

/// <summary>Opens and replaces files; what the system refuses becomes an <see cref="InputException"/> that names the file.</summary>
internal static class Files
{
    /// <summary>Opens a file for reading.</summary>
    public static FileStream OpenRead(string path) => Guard($"Cannot read '{path}'", () =>
    {
        if (Directory.Exists(path)) throw new IOException("it is a folder, not a file.");
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
    });

    /// <summary>All bytes of a file.</summary>
    public static byte[] ReadBytes(string path) => Guard($"Cannot read '{path}'", () =>
    {
        if (Directory.Exists(path)) throw new IOException("it is a folder, not a file.");
        return File.ReadAllBytes(path);
    });

    /// <summary>
    /// Writes a file under a temporary name in its folder, flushes it to the disk and only then gives it its name: whatever happens on the
    /// way, a good file of that name stays as it was.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes its content.</param>
    /// <param name="disk">Where to; null is the file system.</param>
    /// <param name="beforeRename">Runs when the new content is safe on the disk, before it takes the name.</param>
    public static void Replace(string path, Action<Stream> write, Disk? disk = null, Action? beforeRename = null)
    {
        disk ??= Disk.System;
        string partial = path + ".partial", folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            Guard($"Cannot write '{path}'", () =>
            {
                Directory.CreateDirectory(folder);
                using (var stream = disk.Create(partial))
                {
                    write(stream);
                    disk.Flush(stream);
                }

                beforeRename?.Invoke();
                disk.Rename(partial, path);
                disk.FlushFolder(folder);
                return true;
            });
        }
        catch
        {
            DeleteQuietly(partial, disk);
            throw;
        }
    }

    /// <summary>
    /// Runs <paramref name="action"/>; the system's refusals come out as one line that starts with <paramref name="what"/>.
    /// </summary>
    public static T Guard<T>(string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{what}: it does not exist.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InputException($"{what}: {e.Message}", e);
        }
    }

    /// <summary>The text of UTF-8 bytes without a byte order mark, or null where they are no UTF-8.</summary>
    public static string? DecodeUtf8(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[Encoding.UTF8.Preamble.Length..];
        return System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;
    }

    private static void DeleteQuietly(string path, Disk disk)
    {
        try
        {
            disk.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // the first failure is the one to report
        }
    }
}
