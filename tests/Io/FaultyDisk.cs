namespace Mayfly.Tests;

/// <summary>What goes wrong at the chosen place.</summary>
public enum Fault
{
    /// <summary>The request is refused; those after it work. Of what is written a part is on the disk.</summary>
    Refused,

    /// <summary>The process dies: neither this request nor any after it has an effect.</summary>
    Dies,

    /// <summary>From there on bytes are lost without a word, while renaming works.</summary>
    Lost,

    /// <summary>From there on nothing can be written, as on a full disk; renaming and deleting work.</summary>
    Full,
}

/// <summary>What a place is.</summary>
public enum PlaceUnit
{
    /// <summary>Each byte written, and each other request.</summary>
    Byte,

    /// <summary>Each request.</summary>
    Request,
}

/// <summary>
/// A disk that fails at one place, and that sees in which order it is asked: a file has to be flushed after its last byte and before it
/// gets another name, and a folder after a name in it has changed, before anything else is asked.
/// </summary>
/// <param name="fault">What goes wrong.</param>
/// <param name="place">Where.</param>
/// <param name="unit">What counts as a place.</param>
/// <param name="only">A part of the names that count; all others work.</param>
internal sealed class FaultyDisk(Fault fault, long place, PlaceUnit unit = PlaceUnit.Byte, string only = "") : Disk
{
    private readonly Dictionary<string, FaultyStream> open = [];
    private readonly HashSet<string> unsettled = [];
    private long at;
    private bool dead;

    /// <summary>The places of what was asked for so far.</summary>
    public long Places => at;

    /// <summary>What the one who asks sees of the fault; null for an error of the system.</summary>
    public Exception? Sign { get; init; }

    /// <summary>What was asked in a wrong order.</summary>
    public List<string> Disorder { get; } = [];

    /// <summary>What was asked, by kind.</summary>
    public List<string> Requests { get; } = [];

    public override void CreateFolder(string folder) => Ask($"folder {folder}", () => base.CreateFolder(folder));

    public override Stream Create(string path) => Ask($"create {path}", () =>
        open[path] = new FaultyStream(this, (FileStream)base.Create(path)));

    public override void Flush(Stream stream) => Ask($"flush {((FaultyStream)stream).File.Name}", () =>
    {
        var asked = (FaultyStream)stream;
        if (asked.File.CanWrite) base.Flush(asked.File);
        asked.IsFlushed = true;
        return true;
    });

    public override void Rename(string from, string to) => Ask($"rename {from} {to}", () =>
    {
        if (open.Remove(from, out var stream) && !stream.IsFlushed) Disorder.Add($"{from} is not on the disk when it becomes {to}.");
        base.Rename(from, to);
        unsettled.Add(Path.GetDirectoryName(Path.GetFullPath(to))!);
        return true;
    });

    public override bool TryRename(string from, string to) => Ask($"rename {from} {to}", () =>
    {
        if (open.Remove(from, out var stream) && !stream.IsFlushed) Disorder.Add($"{from} is not on the disk when it becomes {to}.");
        bool isFirst = base.TryRename(from, to);
        if (isFirst) unsettled.Add(Path.GetDirectoryName(Path.GetFullPath(to))!);
        return isFirst;
    });

    public override bool TryLink(string file, string name) => Ask($"link {file} {name}", () => base.TryLink(file, name));

    public override void Delete(string path)
    {
        if (!dead) base.Delete(path);
    }

    public override void FlushFolder(string folder) => Ask($"flush folder {folder}", () =>
    {
        base.FlushFolder(folder);
        unsettled.Remove(Path.GetFullPath(folder));
        return true;
    });

    /// <summary>Finds names that were never flushed; for after a run that nothing has disturbed.</summary>
    public void CheckSettled() => Assert.Equal([], Disorder.Concat(unsettled));

    private void Ask(string request, Action action) => Ask(request, () =>
    {
        action();
        return true;
    });

    private T Ask<T>(string request, Func<T> action)
    {
        if (!request.Contains(only, StringComparison.Ordinal)) return action();
        Requests.Add(request);
        if (at++ == place && fault != Fault.Lost) Fail();
        if (fault == Fault.Full && at > place && request.StartsWith("create", StringComparison.Ordinal)) Fail();
        if (dead) throw Sign ?? new IOException("The process is dead.");
        return action();
    }

    private void Fail()
    {
        dead = fault == Fault.Dies;
        throw Sign ?? new IOException("The disk is full.");
    }

    private void Write(FileStream file, ReadOnlySpan<byte> bytes)
    {
        if (!file.Name.Contains(only, StringComparison.Ordinal))
        {
            file.Write(bytes);
            return;
        }

        Requests.Add($"write {file.Name}");
        int room = (int)Math.Clamp(Room(bytes.Length), 0, bytes.Length);
        if (!dead) file.Write(bytes[..room]);
        at += unit == PlaceUnit.Byte ? bytes.Length : 1;
        if (room < bytes.Length && fault != Fault.Lost) Fail();
    }

    /// <summary>How many bytes of a write have an effect: those before the place, of a request a half, and after it all or none.</summary>
    private long Room(int length) => at > place ? (fault == Fault.Refused ? length : 0)
        : unit == PlaceUnit.Byte ? place - at
        : at == place ? length / 2
        : length;

    private sealed class FaultyStream(FaultyDisk disk, FileStream file) : Stream
    {
        public FileStream File => file;

        public bool IsFlushed { get; set; }

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => file.Position = value; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            IsFlushed = false;
            disk.Write(file, buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => file.Read(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
