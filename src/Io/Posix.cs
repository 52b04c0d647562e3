using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mayfly;

/// <summary>
/// Calls of the system that .NET does not make, or whose errors it drops: its flush to the disk returns normally where fsync says EIO, and
/// it waits in opening a FIFO. Constants are those of 64-bit and 32-bit Linux alike; where another system has others it is said.
/// </summary>
internal static class Posix
{
    private const int NoEntry = 2, Interrupted = 4, NoAccess = 13, NoFolder = 20, Invalid = 22, NoSystemCall = 38, NotSupported = 95;
    private const int CurrentFolder = -100, NotThroughLinks = 0x100, OfHandle = 0x1000, StatusBytes = 256;
    private const uint KindAndNumber = 0x1 | 0x100;

    /// <summary>O_NONBLOCK and O_CLOEXEC.</summary>
    private static readonly int OpenFlags = OperatingSystem.IsLinux() ? 0x800 | 0x80000 : 0x4;

    /// <summary>True where files can be told apart by more than their names.</summary>
    public static bool KnowsIdentity => OperatingSystem.IsLinux();

    /// <summary>Opens a regular file for reading, without waiting and without a lock.</summary>
    /// <exception cref="IOException">It cannot be read, or is no regular file.</exception>
    public static SafeFileHandle OpenRead(string path)
    {
        int file = Open(path, OpenFlags);
        if (file < 0) throw Error(Marshal.GetLastPInvokeError());
        var handle = new SafeFileHandle(file, ownsHandle: true);
        try
        {
            Identity(path, handle).CheckRegular();
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Returns when what was written is on the disk.</summary>
    /// <exception cref="IOException">The system could not write it.</exception>
    public static void Sync(SafeFileHandle file) => Sync((int)file.DangerousGetHandle(), isFolder: false);

    /// <summary>Returns when a folder's names are on the disk; a folder or a file system that refuses the request is passed over.</summary>
    /// <exception cref="IOException">The system could not write them.</exception>
    public static void SyncFolder(string folder)
    {
        int file = Open(folder, OpenFlags);
        if (file < 0 && Marshal.GetLastPInvokeError() is var error) _ = error == NoAccess ? 0 : throw Error(error);
        if (file < 0) return;
        using var handle = new SafeFileHandle(file, ownsHandle: true);
        Sync(file, isFolder: true);
    }

    /// <summary>Gives a file a second name, which must be free.</summary>
    /// <returns>False where the file system has no second names.</returns>
    public static bool TryLink(string file, string name) => Link(file, name) == 0;

    /// <summary>What a name stands for; of a link the link itself.</summary>
    public static FileIdentity Identity(string path) => OperatingSystem.IsLinux() ? Status(CurrentFolder, path, NotThroughLinks)
        : new FileIdentity(Kind(path), 0, 0);

    /// <summary>What is open.</summary>
    /// <param name="path">Its name, by which systems other than Linux know devices.</param>
    /// <param name="file">The open file.</param>
    public static FileIdentity Identity(string path, SafeFileHandle file)
    {
        if (OperatingSystem.IsLinux()) return Status((int)file.DangerousGetHandle(), "", OfHandle);
        if (Kind(path) is FileKind.Folder) return new FileIdentity(FileKind.Folder, 0, 0);
        using var stream = new FileStream(new SafeFileHandle(file.DangerousGetHandle(), ownsHandle: false), FileAccess.Read, 0);
        bool isData = stream.CanSeek && !path.StartsWith("/dev/", StringComparison.Ordinal);
        return new FileIdentity(isData ? FileKind.Regular : FileKind.Pipe, 0, 0);
    }

    private static FileKind Kind(string path) =>
        new FileInfo(path).LinkTarget is not null ? FileKind.Link
        : Directory.Exists(path) ? FileKind.Folder
        : File.Exists(path) ? FileKind.Regular
        : FileKind.Missing;

    /// <summary>statx, whose structure is the same on every kind of processor.</summary>
    private static FileIdentity Status(int folder, string path, int flags)
    {
        var status = new byte[StatusBytes];
        if (StatusOf(folder, path, flags, KindAndNumber, status) != 0)
            return Marshal.GetLastPInvokeError() is var error && error is NoEntry or NoFolder ? default : throw Error(error);
        var kind = (BinaryPrimitives.ReadUInt16LittleEndian(status.AsSpan(28)) & 0xF000) switch
        {
            0x8000 => FileKind.Regular,
            0x4000 => FileKind.Folder,
            0xA000 => FileKind.Link,
            0x1000 => FileKind.Pipe,
            0xC000 => FileKind.Socket,
            _ => FileKind.Device,
        };
        ulong device = BinaryPrimitives.ReadUInt64LittleEndian(status.AsSpan(136));
        return new FileIdentity(kind, device, BinaryPrimitives.ReadUInt64LittleEndian(status.AsSpan(32)));
    }

    private static void Sync(int file, bool isFolder)
    {
        while (Synchronize(file) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (isFolder && error is Invalid or NoSystemCall or NotSupported) return;
            if (error != Interrupted) throw Error(error);
        }
    }

    private static Exception Error(int number) => number switch
    {
        NoEntry or NoFolder => new FileNotFoundException(Marshal.GetPInvokeErrorMessage(number)),
        NoAccess => new UnauthorizedAccessException($"{Marshal.GetPInvokeErrorMessage(number)}."),
        _ => new IOException($"{Marshal.GetPInvokeErrorMessage(number)}."),
    };

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Synchronize(int file);

    [DllImport("libc", EntryPoint = "link", SetLastError = true)]
    private static extern int Link([MarshalAs(UnmanagedType.LPUTF8Str)] string file, [MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static extern int StatusOf(
        int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint wanted, [Out] byte[] status);
}
