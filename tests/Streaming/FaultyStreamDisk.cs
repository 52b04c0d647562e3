using Microsoft.Win32.SafeHandles;

namespace Mayfly.Tests;

/// <summary>What becomes of a working file.</summary>
public enum StreamFault
{
    /// <summary>Nothing; requests are counted.</summary>
    None,

    /// <summary>One request is refused.</summary>
    Refused,

    /// <summary>From there on nothing can be written, as on a full disk.</summary>
    Full,

    /// <summary>It is cut to half its length.</summary>
    Cut,

    /// <summary>Its name is removed.</summary>
    Unlinked,
}

/// <summary>A disk on which something happens before one of the requests; reads give less than is asked for.</summary>
/// <param name="fault">What.</param>
/// <param name="request">Before which request, counted from 0.</param>
internal sealed class FaultyStreamDisk(StreamFault fault, long request) : StreamDisk
{
    private readonly Lock gate = new();
    private string path = "";

    /// <summary>The requests so far.</summary>
    public long Requests { get; private set; }

    public override SafeFileHandle Open(string path)
    {
        this.path = path;
        Ask(null, writes: true);
        return base.Open(path);
    }

    public override long Length(SafeFileHandle file)
    {
        Ask(file, writes: false);
        return base.Length(file);
    }

    public override void SetLength(SafeFileHandle file, long bytes)
    {
        Ask(file, writes: true);
        base.SetLength(file, bytes);
    }

    public override int Read(SafeFileHandle file, Span<byte> bytes, long place)
    {
        Ask(file, writes: false);
        return base.Read(file, bytes[..Math.Max(1, bytes.Length - 7)], place);
    }

    public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long place)
    {
        Ask(file, writes: true);
        base.Write(file, bytes, place);
    }

    public override void Delete(string path)
    {
        Ask(null, writes: false);
        base.Delete(path);
    }

    private void Ask(SafeFileHandle? file, bool writes)
    {
        lock (gate)
        {
            long number = Requests++;
            if (fault == StreamFault.Refused && number == request) throw new IOException("Input/output error");
            if (fault == StreamFault.Full && number >= request && writes) throw new IOException("No space left on device");
            if (number != request) return;
            if (fault == StreamFault.Cut && file is not null) RandomAccess.SetLength(file, RandomAccess.GetLength(file) / 2);
            if (fault == StreamFault.Unlinked) File.Delete(path);
        }
    }
}
