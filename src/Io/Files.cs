using System.Text;

namespace Mayfly;

/// <summary>
/// Opens and replaces files; what the system refuses becomes an <see cref="InputException"/> that names the file. Only regular files are
/// read and replaced: no FIFO, device, socket or folder.
/// </summary>
public static class Files
{
    private const string PartialExtension = ".partial";
    private const int TokenDigits = 16;

    /// <summary>Opens a regular file for reading; a link to one is followed.</summary>
    /// <exception cref="InputException">It is missing, no regular file, or cannot be read.</exception>
    public static FileStream OpenRead(string path) => Guard($"Cannot read '{path}'", () =>
    {
        if (!OperatingSystem.IsWindows()) return new FileStream(Posix.OpenRead(path), FileAccess.Read, bufferSize: 0);
        if (Directory.Exists(path)) new FileIdentity(FileKind.Folder, 0, 0).CheckRegular();
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
    });

    /// <summary>Fills <paramref name="bytes"/> from byte <paramref name="place"/> of an open file on; several threads may.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="field">What is read, for messages.</param>
    /// <param name="place">Where it begins.</param>
    /// <param name="bytes">Gets it.</param>
    /// <exception cref="BadFileException">The file ends before, or cannot be read any more.</exception>
    internal static void ReadAt(FileStream stream, string path, string field, long place, Span<byte> bytes)
    {
        try
        {
            for (int count; bytes.Length > 0; place += count, bytes = bytes[count..])
            {
                count = RandomAccess.Read(stream.SafeFileHandle, bytes, place);
                if (count == 0) throw new BadFileException(
                    path, field, $"the file ended at byte {place:N0} while it was read; it was cut after it was opened.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException(path, field, e.Message, e);
        }
    }

    /// <summary>All bytes of a regular file.</summary>
    /// <exception cref="InputException">It is missing, no regular file, or cannot be read.</exception>
    public static byte[] ReadBytes(string path)
    {
        using var stream = OpenRead(path);
        return Guard($"Cannot read '{path}'", () =>
        {
            if (stream.Length > Array.MaxLength) throw new IOException($"{stream.Length:N0} bytes are more than fit in memory at once.");
            var bytes = new byte[stream.Length];
            int count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return count == bytes.Length ? bytes : bytes[..count];
        });
    }

    /// <summary>
    /// Writes a file under a name of its own in its folder, waits until it is on the disk, gives it its name and waits for that too:
    /// whatever happens on the way, a file of that name is the old one or the new one, whole. A link of that name is replaced, not
    /// followed. What writers that died have left of this file is cleared.
    /// </summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <param name="write">Writes its content.</param>
    /// <exception cref="InputException">It cannot be written, or there is something else than a file in its place.</exception>
    public static void Replace(string path, Action<Stream> write) => Replace(path, write, () => { });

    /// <summary>Like <see cref="Replace(string, Action{Stream})"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes its content.</param>
    /// <param name="beforeRename">Runs when the new content is safe on the disk, before it takes the name.</param>
    internal static void Replace(string path, Action<Stream> write, Action beforeRename) => Create(path, write, beforeRename).Dispose();

    /// <summary>Like <see cref="Replace(string, Action{Stream})"/>, but the file stays open, for more to be appended.</summary>
    internal static Stream Create(string path, Action<Stream> write, Action beforeRename) => Guard($"Cannot write '{path}'", () =>
    {
        var disk = Disk.Current;
        string folder = FolderOf(path);
        disk.CreateFolder(folder);
        CheckReplaceable(path);
        ClearPartials(path);
        return Create(disk, PartialName(path), path, write, beforeRename);
    });

    private static Stream Create(Disk disk, string partial, string path, Action<Stream> write, Action beforeRename)
    {
        Stream? stream = null;
        try
        {
            stream = disk.Create(partial);
            write(stream);
            disk.Flush(stream);
            beforeRename();
            disk.Rename(partial, path);
            disk.FlushFolder(FolderOf(path));
            return stream;
        }
        catch
        {
            stream?.Dispose();
            DeleteQuietly(partial, disk);
            throw;
        }
    }

    /// <summary>
    /// Like <see cref="Replace(string, Action{Stream})"/>, unless there is a file of that name: of several writers one is the first, and
    /// its file stays.
    /// </summary>
    /// <returns>False where another was first; nothing was written then.</returns>
    internal static bool TryPublish(string path, Action<Stream> write) => Guard($"Cannot write '{path}'", () =>
    {
        if (File.Exists(path)) return false;
        var disk = Disk.Current;
        string partial = PartialName(path);
        try
        {
            using (var stream = disk.Create(partial))
            {
                write(stream);
                disk.Flush(stream);
            }

            bool isFirst = disk.TryRename(partial, path);
            if (isFirst) disk.FlushFolder(FolderOf(path));
            return isFirst;
        }
        finally
        {
            if (File.Exists(partial)) DeleteQuietly(partial, disk);
        }
    });

    /// <summary>
    /// Gives a file's content a second name, in place of a file that has it: without a copy, where the file system has second names.
    /// </summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    internal static void Duplicate(string path, string copy)
    {
        if (Guard($"Cannot write '{copy}'", () => TryLink(path, copy))) return;
        using var source = OpenRead(path);
        Replace(copy, source.CopyTo);
    }

    private static bool TryLink(string path, string copy)
    {
        var disk = Disk.Current;
        string partial = PartialName(copy);
        CheckReplaceable(copy);
        ClearPartials(copy);
        if (!disk.TryLink(path, partial)) return false;
        try
        {
            Rename(disk, partial, copy);
            return true;
        }
        finally
        {
            DeleteQuietly(partial, disk); // where both are names of one file already, renaming leaves it
        }
    }

    private static void Rename(Disk disk, string from, string to)
    {
        disk.Rename(from, to);
        disk.FlushFolder(FolderOf(to));
    }

    /// <summary>Deletes a file that a new one stands for, if it is there.</summary>
    internal static void Delete(string path) => DeleteQuietly(path, Disk.Current);

    /// <summary>
    /// A file that is written under a name of its own beside the one it gets, like those of <see cref="Replace(string, Action{Stream})"/>,
    /// so that several can get their names together.
    /// </summary>
    internal sealed class Partial : IDisposable
    {
        private readonly Disk disk = Disk.Current;
        private readonly string path, partial;
        private readonly Stream stream;
        private bool isNamed;

        /// <summary>Begins an empty file; its folder is made where it is missing.</summary>
        /// <exception cref="InputException">It cannot be written.</exception>
        public Partial(string path)
        {
            (this.path, partial) = (path, PartialName(path));
            stream = Guard($"Cannot write '{path}'", () =>
            {
                disk.CreateFolder(FolderOf(path));
                CheckReplaceable(path);
                ClearPartials(path);
                return disk.Create(partial);
            });
        }

        /// <summary>Adds bytes.</summary>
        /// <exception cref="InputException">They cannot be written.</exception>
        public void Write(ReadOnlySpan<byte> bytes)
        {
            try
            {
                stream.Write(bytes);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InputException($"Cannot write '{path}': {e.Message}", e);
            }
        }

        /// <summary>Writes the begin anew, and waits until all is on the disk.</summary>
        /// <exception cref="InputException">It cannot be written.</exception>
        public void Finish(byte[] begin) => Guard($"Cannot write '{path}'", () =>
        {
            stream.Position = 0;
            stream.Write(begin);
            disk.Flush(stream);
            return true;
        });

        /// <summary>Gives the file its name.</summary>
        /// <exception cref="InputException">It cannot be written.</exception>
        public void Rename(string name) => isNamed = Guard($"Cannot write '{name}'", () =>
        {
            Files.Rename(disk, partial, name);
            return true;
        });

        /// <summary>Closes the file; one without its name is deleted.</summary>
        public void Dispose()
        {
            stream.Dispose();
            if (!isNamed) DeleteQuietly(partial, disk);
        }
    }

    /// <summary>Moves a file to another folder, of which it is the last thing to be known that it is there.</summary>
    /// <exception cref="InputException">It cannot be moved.</exception>
    public static void Move(string from, string to) => Guard($"Cannot move '{from}' to '{to}'", () =>
    {
        var disk = Disk.Current;
        disk.CreateFolder(FolderOf(to));
        Rename(disk, from, to);
        disk.FlushFolder(FolderOf(from));
        return true;
    });

    /// <summary>
    /// Finds out whether files can be written in a folder, by a file of a new name that is written to the disk and deleted. The folder is
    /// made where it is missing.
    /// </summary>
    /// <exception cref="InputException">It cannot.</exception>
    public static void CheckWritable(string folder) => Guard($"Cannot write to the folder '{folder}'", () =>
    {
        var disk = Disk.Current;
        disk.CreateFolder(folder);
        string probe = PartialName(Path.Combine(folder, "probe"));
        ClearPartials(Path.Combine(folder, "probe"));
        try
        {
            using var stream = disk.Create(probe);
            stream.WriteByte(0);
            disk.Flush(stream);
        }
        finally
        {
            DeleteQuietly(probe, disk);
        }

        return true;
    });

    /// <summary>Refuses a name that stands for something else than a file, which must not become one.</summary>
    /// <exception cref="InputException">A folder, FIFO, device or socket has the name.</exception>
    public static void CheckReplaceable(string path)
    {
        var kind = OperatingSystem.IsWindows() && Directory.Exists(path) ? FileKind.Folder
            : OperatingSystem.IsWindows() ? FileKind.Missing
            : Posix.Identity(path).Kind;
        if (kind is not (FileKind.Missing or FileKind.Regular or FileKind.Link))
            throw new InputException($"'{path}' is a {kind.ToString().ToLowerInvariant()}; name a file.");
    }

    /// <summary>
    /// Runs <paramref name="action"/>; the system's refusals come out as one line that starts with <paramref name="what"/>.
    /// </summary>
    internal static T Guard<T>(string what, Func<T> action)
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
    internal static string? DecodeUtf8(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[Encoding.UTF8.Preamble.Length..];
        return System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;
    }

    /// <summary>True for a regular file, and false for a link to one.</summary>
    internal static bool IsRegular(string path) => OperatingSystem.IsWindows() ? File.Exists(path)
        : Posix.Identity(path).Kind == FileKind.Regular;

    private static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    /// <summary>A name in the file's folder that no other writer has: <c>NAME.0123456789abcdef.partial</c>.</summary>
    private static string PartialName(string path)
    {
        Span<byte> token = stackalloc byte[TokenDigits / 2];
        System.Security.Cryptography.RandomNumberGenerator.Fill(token);
        return $"{path}.{Convert.ToHexStringLower(token)}{PartialExtension}";
    }

    /// <summary>
    /// Deletes what writers of a file left that are no longer alive: regular files beside it with its name, 16 digits and <c>.partial</c>.
    /// </summary>
    public static void ClearPartials(string path)
    {
        string name = Path.GetFileName(path);
        foreach (string file in Directory.EnumerateFiles(FolderOf(path), $"*{PartialExtension}"))
            if (IsPartialOf(name, Path.GetFileName(file)) && IsLeft(file)) DeleteQuietly(file, Disk.Current);
    }

    private static bool IsPartialOf(string name, string partial) =>
        partial.Length == name.Length + 1 + TokenDigits + PartialExtension.Length
        && partial.StartsWith($"{name}.", StringComparison.Ordinal)
        && !partial.AsSpan(name.Length + 1, TokenDigits).ContainsAnyExcept("0123456789abcdef");

    /// <summary>The lock of a file that is being written is held by its writer, and gone with it.</summary>
    private static bool IsLeft(string file)
    {
        try
        {
            if (!IsRegular(file)) return false;
            new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0).Dispose();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
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
