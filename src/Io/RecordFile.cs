namespace Mayfly;

/// <summary>
/// A file that grows while something goes on, such as a log. It begins whole in place of an older one; what is appended is written at once.
/// What could not be written is kept and written by the next call that can, so that a full disk leaves no gap.
/// </summary>
public sealed class RecordFile : IDisposable
{
    private readonly bool isNew;
    private readonly MemoryStream waiting = new();
    private Stream? stream;
    private long written;

    /// <summary>Nothing is written before the first call.</summary>
    /// <param name="path">The file.</param>
    /// <param name="start">What it begins with.</param>
    /// <param name="isNew">True where a file of that name is an error, and not replaced.</param>
    public RecordFile(string path, ReadOnlySpan<byte> start, bool isNew = false)
    {
        (Path, this.isNew) = (path, isNew);
        waiting.Write(start);
    }

    /// <summary>The file.</summary>
    public string Path { get; private set; }

    /// <summary>Appends bytes.</summary>
    /// <exception cref="InputException">They cannot be written; they are kept for the next call.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        waiting.Write(bytes);
        Write();
    }

    /// <summary>Returns when all that was appended is on the disk.</summary>
    /// <exception cref="InputException">It could not be written.</exception>
    public void Flush()
    {
        Write();
        Guard(() => Disk.Current.Flush(stream!));
    }

    /// <summary>Goes on in another file, which gets all that was written; the old one stays as it is.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public void MoveTo(string path)
    {
        using var old = stream;
        var all = new byte[written + waiting.Length];
        Guard(() => ReadBack(old, all));
        waiting.ToArray().CopyTo(all, written);
        (Path, stream, written) = (path, null, 0);
        waiting.SetLength(0);
        Append(all);
    }

    /// <inheritdoc/>
    public void Dispose() => stream?.Dispose();

    private void Write()
    {
        if (stream is null) Begin();
        else if (waiting.Length > 0) Guard(Continue);
        written += waiting.Length;
        waiting.SetLength(0);
    }

    private void Begin()
    {
        if (isNew) Guard(BeginNew);
        else stream = Files.Create(Path, waiting.WriteTo, () => { });
    }

    private void BeginNew()
    {
        var disk = Disk.Current;
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        disk.CreateFolder(folder);
        stream = disk.Create(Path);
        Continue();
        disk.FlushFolder(folder);
    }

    /// <summary>At its place, over what an earlier try may have left of it.</summary>
    private void Continue()
    {
        stream!.Position = written;
        waiting.WriteTo(stream);
    }

    private void ReadBack(Stream? old, byte[] all)
    {
        if (old is null) return;
        old.Position = 0;
        old.ReadExactly(all, 0, (int)written);
    }

    private void Guard(Action action) => Files.Guard($"Cannot write '{Path}'", () =>
    {
        action();
        return true;
    });
}
