using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mayfly;

/// <summary>
/// The working file of a <see cref="Residency"/> and the thread that reads and writes it. Who cannot wait for its turn does a transfer
/// himself. The file begins with a line that tells what it is, and goes when it is closed; what a killed process left is taken over. It
/// ends with a page that nobody writes: once it is cut, no write makes it as long again as it has to be.
/// </summary>
internal sealed class StreamFile : IDisposable
{
    private const int PageBytes = 4096, MostAtOnce = 16 << 20;

    private static readonly byte[] Mark = Encoding.ASCII.GetBytes(
        "Mayfly working file 1: weights and state of a run in progress. It is of no use after the run; snapshots are what is kept.\n");

    private readonly StreamDisk disk;
    private readonly SafeFileHandle file;
    private readonly Queue<Transfer> waiting = [];
    private readonly Dictionary<long, Stack<long>> free = [];
    private readonly Thread thread;
    private long length = 2 * PageBytes;
    private bool isClosed;

    /// <exception cref="StreamException">It cannot be opened, is another run's, or is another file.</exception>
    public StreamFile(string path, StreamDisk disk)
    {
        (Path, this.disk) = (path, disk);
        file = Guard("cannot be opened", () => disk.Open(path));
        try
        {
            Guard("cannot be written", TakeOver);
        }
        catch
        {
            file.Dispose();
            throw;
        }

        thread = new Thread(Work) { IsBackground = true, Name = "Mayfly stream" };
        thread.Start();
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>A place for so many bytes.</summary>
    /// <exception cref="StreamException">The file cannot be as long.</exception>
    public long Take(long bytes)
    {
        long whole = Whole(bytes);
        lock (waiting)
        {
            if (free.TryGetValue(whole, out var places) && places.TryPop(out long place)) return place;
            Guard("cannot be made longer", () => Lengthen(whole));
            return length - whole - PageBytes;
        }
    }

    /// <summary>Takes a place back for others of as many bytes.</summary>
    public void Return(long place, long bytes)
    {
        lock (waiting)
        {
            if (!free.TryGetValue(Whole(bytes), out var places)) free[Whole(bytes)] = places = new Stack<long>();
            places.Push(place);
        }
    }

    /// <summary>Begins a transfer on the file's thread.</summary>
    public void Start(Transfer transfer)
    {
        lock (waiting)
        {
            waiting.Enqueue(transfer);
            Monitor.PulseAll(waiting);
        }
    }

    /// <summary>Returns when a transfer is done; does it, where nobody has begun it.</summary>
    /// <exception cref="StreamException">It failed.</exception>
    public void Finish(Transfer transfer)
    {
        bool isMine;
        lock (waiting)
        {
            isMine = transfer.State == TransferState.Waiting;
            if (isMine) transfer.State = TransferState.Running;
            while (!isMine && transfer.State != TransferState.Done) Monitor.Wait(waiting);
        }

        if (isMine) Do(transfer);
        if (transfer.Error is { } error) throw error;
    }

    /// <summary>Calls a transfer off, or waits for its end where it is under way; how it ends does not matter.</summary>
    public void CallOff(Transfer transfer)
    {
        lock (waiting)
        {
            if (transfer.State == TransferState.Waiting) transfer.State = TransferState.Done;
            while (transfer.State != TransferState.Done) Monitor.Wait(waiting);
        }
    }

    /// <summary>Ends the thread and deletes the file.</summary>
    public void Dispose()
    {
        lock (waiting)
        {
            if (isClosed) return;
            isClosed = true;
            foreach (var transfer in waiting)
                if (transfer.State == TransferState.Waiting) transfer.State = TransferState.Done;
            Monitor.PulseAll(waiting);
        }

        thread.Join();
        file.Dispose();
        try
        {
            disk.Delete(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // it is taken over by the next run
        }
    }

    private static long Whole(long bytes) => checked(bytes + PageBytes - 1) / PageBytes * PageBytes;

    /// <summary>A file of the name must be what a run has left; its content is of no use.</summary>
    private bool TakeOver()
    {
        if (disk.Length(file) > 0) CheckMark(0, "it is another file already; move it, or name another folder");
        disk.SetLength(file, 0);
        disk.SetLength(file, length);
        disk.Write(file, Mark, 0);
        disk.Write(file, Mark, length - PageBytes);
        return true;
    }

    /// <summary>The last page is marked; where the mark of the one before is gone, the file was cut and is now full of zeros.</summary>
    private bool Lengthen(long bytes)
    {
        disk.SetLength(file, length + bytes);
        disk.Write(file, Mark, length + bytes - PageBytes);
        CheckMark(length - PageBytes, "it was cut");
        length += bytes;
        return true;
    }

    private void CheckMark(long place, string otherwise)
    {
        var found = new byte[Mark.Length];
        for (int done = 0, count; done < found.Length; done += count)
            if ((count = disk.Read(file, found.AsSpan(done), place + done)) == 0) break;
        if (!found.AsSpan().SequenceEqual(Mark)) throw new IOException(otherwise);
    }

    private void Work()
    {
        while (Next() is { } transfer) Do(transfer);
    }

    private Transfer? Next()
    {
        lock (waiting)
        {
            while (true)
            {
                while (waiting.TryDequeue(out var transfer))
                {
                    if (transfer.State != TransferState.Waiting) continue;
                    transfer.State = TransferState.Running;
                    return transfer;
                }

                if (isClosed) return null;
                Monitor.Wait(waiting);
            }
        }
    }

    private void Do(Transfer transfer)
    {
        try
        {
            Guard(transfer.Writes ? $"cannot take {transfer.Page.Name}" : $"cannot give {transfer.Page.Name} back", () => Move(transfer));
        }
        catch (Exception e)
        {
            transfer.Error = e; // whoever waits for it throws it
        }

        lock (waiting)
        {
            transfer.State = TransferState.Done;
            Monitor.PulseAll(waiting);
        }
    }

    private bool Move(Transfer transfer)
    {
        var page = transfer.Page;
        for (long done = 0, count; done < page.Bytes; done += count)
        {
            var bytes = transfer.Buffer.Part(done, (int)Math.Min(page.Bytes - done, MostAtOnce));
            count = bytes.Length;
            if (transfer.Writes) disk.Write(file, bytes, page.Place + done);
            else if ((count = disk.Read(file, bytes, page.Place + done)) == 0)
                throw new IOException($"it ends at byte {page.Place + done:N0}; it was cut");
        }

        CheckLength();
        return true;
    }

    /// <summary>A file that is cut and then written further on gives zeros in between.</summary>
    private void CheckLength()
    {
        long expected;
        lock (waiting) expected = length; // first: it may be made longer meanwhile
        long has = disk.Length(file);
        if (has < expected) throw new IOException($"it has {has:N0} of {expected:N0} bytes; it was cut");
    }

    private T Guard<T>(string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new StreamException($"The working file '{Path}' {what}: {e.Message.TrimEnd('.')}.", e);
        }
    }
}
