namespace TrainGpt;

/// <summary>
/// Passes text on to a terminal as long as there is one. Where the terminal is closed the system says EIO, which must not end a run that
/// is about to save; other errors, as of a full disk, are passed on.
/// </summary>
internal sealed class SteadyStream(Stream inner) : Stream
{
    private const int NoTerminal = 5;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>A writer to a stream of the console, which writes at once.</summary>
    public static TextWriter Writer(Stream console) =>
        TextWriter.Synchronized(new StreamWriter(new SteadyStream(console), Console.OutputEncoding) { AutoFlush = true });

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            inner.Write(buffer);
        }
        catch (IOException e) when (e.HResult == NoTerminal)
        {
            // nobody reads it any more
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush() => inner.Flush();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
