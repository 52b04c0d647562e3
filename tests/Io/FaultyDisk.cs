namespace Mayfly.Tests;

/// <summary>What goes wrong at the chosen place.</summary>
public enum Fault
{
    /// <summary>The request is refused; those after it work.</summary>
    Refused,

    /// <summary>The process dies: neither this request nor any after it has an effect.</summary>
    Dies,

    /// <summary>From there on bytes are lost without a word, while renaming works.</summary>
    Lost,
}

/// <summary>A disk that fails at one place: each byte written counts as a place, and so does each flush and each rename.</summary>
internal sealed class FaultyDisk(Fault fault, long place) : Disk
{
    private long at;
    private bool dead;

    /// <summary>The places of what was asked for so far.</summary>
    public long Places => at;

    public override Stream Create(string path) =>
        new FaultyStream(this, new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0));

    public override void Flush(Stream stream) => Ask(() => { });

    public override void Rename(string from, string to) => Ask(() => base.Rename(from, to));

    public override void Delete(string path)
    {
        if (!dead) base.Delete(path);
    }

    public override void FlushFolder(string folder) => Ask(() => { });

    private void Ask(Action action)
    {
        if (at++ == place && fault != Fault.Lost) Fail();
        if (dead) throw new IOException("The process is dead.");
        action();
    }

    private void Fail()
    {
        dead = fault == Fault.Dies;
        throw new IOException("The disk is full.");
    }

    private sealed class FaultyStream(FaultyDisk disk, FileStream file) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        /// <summary>What fits before the place of the fault is written.</summary>
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            long room = Math.Clamp(disk.Remaining, 0, buffer.Length);
            if (!disk.dead) file.Write(buffer[..(int)room]);
            disk.at += buffer.Length;
            if (room < buffer.Length && !disk.IsSilent) disk.Fail();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }

    private long Remaining => place - at;

    private bool IsSilent => fault == Fault.Lost;
}
