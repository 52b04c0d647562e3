using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>
/// The right to write in a folder, which one process has at a time: a file of the folder, held open and locked. The lock ends with the
/// process, however that ends; a file that is left without a lock means nothing. Programs that write a run's files take it first and keep
/// it to their end. On file systems without locks nobody is kept out.
/// </summary>
public sealed class FolderLock : IDisposable
{
    /// <summary>The file's name in its folder.</summary>
    public const string FileName = ".mayfly.lock";

    /// <summary>Another's look at the lock, or its end, lasts for a moment.</summary>
    private const int Attempts = 10, PauseMilliseconds = 20, LongestOwner = 200;

    private readonly string file;
    private readonly FileStream stream;
    private readonly FileIdentity identity;

    private FolderLock(string folder, string file, FileStream stream)
    {
        (Folder, this.file, this.stream) = (folder, file, stream);
        identity = Identity(file, stream);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>True where the folder was moved, removed or replaced by another: its name is somebody else's now.</summary>
    public bool IsLost => !OperatingSystem.IsWindows() && Posix.Identity(file) != identity;

    /// <summary>Takes a folder, which is made where it is missing.</summary>
    /// <exception cref="InputException">Another process has it, or it cannot be written.</exception>
    public static FolderLock Take(string folder) => TryTake(folder) ?? throw InUse(folder);

    /// <summary>Takes a folder, or null where another process has it.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public static FolderLock? TryTake(string folder) => Files.Guard($"Cannot write to the folder '{folder}'", () =>
    {
        Disk.Current.CreateFolder(folder);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (attempt > 0) Thread.Sleep(PauseMilliseconds);
            if (TryOpen(folder, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None) is not { } taken) continue;
            if (!taken.IsLost) return taken.Sign();
            taken.stream.Dispose(); // its last owner has just deleted it
        }

        return null;
    });

    /// <summary>Finds out early whether another process has a folder; what <see cref="Take"/> finds out is what counts.</summary>
    /// <exception cref="InputException">Another process has it.</exception>
    public static void CheckFree(string folder)
    {
        if (!File.Exists(Path.Combine(folder, FileName))) return;
        var seen = Files.Guard($"Cannot read the folder '{folder}'", () => TryOpen(folder, FileMode.Open, FileAccess.Read, FileShare.Read));
        (seen ?? throw InUse(folder)).stream.Dispose();
    }

    /// <summary>Ends the right; the file goes.</summary>
    public void Dispose()
    {
        if (Posix.KnowsIdentity && stream.CanWrite && !IsLost) File.Delete(file);
        stream.Dispose();
    }

    private static FolderLock? TryOpen(string folder, FileMode mode, FileAccess access, FileShare share)
    {
        string file = Path.Combine(folder, FileName);
        if (new FileInfo(file).LinkTarget is not null) throw new IOException($"'{FileName}' is a link; delete it.");
        Files.CheckReplaceable(file);
        try
        {
            return new FolderLock(folder, file, new FileStream(file, mode, access, share, bufferSize: 0));
        }
        catch (IOException e) when (IsLocked(e))
        {
            return null;
        }
    }

    /// <summary>EAGAIN of Linux and of macOS, and Windows' sharing violation.</summary>
    private static bool IsLocked(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);

    private static FileIdentity Identity(string file, FileStream stream) =>
        OperatingSystem.IsWindows() ? default : Posix.Identity(file, stream.SafeFileHandle);

    private FolderLock Sign()
    {
        string owner = string.Create(CultureInfo.InvariantCulture,
            $"process {Environment.ProcessId} on {Environment.MachineName} since {DateTime.UtcNow:yyyy-MM-dd HH:mm:ss} UTC");
        stream.SetLength(0);
        stream.Write(Encoding.UTF8.GetBytes(owner));
        return this;
    }

    private static InputException InUse(string folder) => new(
        $"'{folder}' is in use by {Owner(Path.Combine(folder, FileName))}; wait for its end, or give another folder.");

    /// <summary>Who has the lock, where that can be read.</summary>
    private static string Owner(string file)
    {
        const string Unknown = "another process";
        try
        {
            string text = Encoding.UTF8.GetString(Files.ReadBytes(file));
            return text.Length is > 0 and <= LongestOwner ? text : Unknown;
        }
        catch (InputException)
        {
            return Unknown;
        }
    }
}
