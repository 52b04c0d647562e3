using System.Buffers.Binary;
using System.Text;

namespace Mayfly.Tests;

/// <summary>Offsets beyond 2 GB and 4 GB, without the gigabytes.</summary>
public class LargeFileTests
{
    /// <summary>Keeps the first bytes and counts the rest.</summary>
    private sealed class CountingStream : Stream
    {
        private long count;

        public MemoryStream Kept { get; } = new();

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => count;

        public override long Position { get => count; set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (count < 4096) Kept.Write(buffer[..Math.Min(buffer.Length, 4096)]);
            count += buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int length) => Write(buffer.AsSpan(offset, length));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int length) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }

    [Fact]
    public void The_writer_counts_beyond_four_gigabytes()
    {
        const int Piece = 1 << 28, Pieces = 17;
        var zeros = GC.AllocateUninitializedArray<byte>(Piece);
        var writer = new SafeTensorsWriter();
        for (int i = 0; i < Pieces; i++) writer.Add<byte>($"t{i}", zeros, Piece);
        using var stream = new CountingStream();
        writer.WriteTo(stream);
        var start = stream.Kept.ToArray();
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(start);
        Assert.Equal(8 + header + (long)Pieces * Piece, stream.Length);
        var entries = SafeTensorsHeader.Parse("large", start.AsMemory(8, header), (long)Pieces * Piece).Entries;
        Assert.Equal((16L * Piece, 17L * Piece), (entries["t16"].Begin, entries["t16"].End));
    }

    [Fact]
    public void The_reader_reaches_beyond_four_gigabytes()
    {
        const long Gap = (1L << 32) + 12;
        using var folder = new TemporaryFolder();
        string json = $$$"""{"gap":{"dtype":"U8","shape":[{{{Gap}}}],"data_offsets":[0,{{{Gap}}}]},"tail":"""
            + $$$"""{"dtype":"F32","shape":[2],"data_offsets":[{{{Gap}}},{{{Gap + 8}}}]}}""";
        var start = new byte[8 + Encoding.UTF8.GetByteCount(json)];
        BinaryPrimitives.WriteInt64LittleEndian(start, start.Length - 8);
        Encoding.UTF8.GetBytes(json, start.AsSpan(8));
        using (var file = File.OpenHandle(folder.File("large"), FileMode.Create, FileAccess.Write))
        {
            // only the ends are written: the file system keeps the hole without storing it
            RandomAccess.Write(file, start, 0);
            RandomAccess.Write(file, new byte[] { 0, 0, 128, 63, 0, 0, 0, 64 }, start.Length + Gap);
        }

        using var reader = SafeTensorsReader.Open(folder.File("large"));
        Assert.Equal([1f, 2f], reader.Read<float>("tail"));
        Assert.Throws<BadFileException>(() => reader.Read<byte>("gap"));
    }
}
