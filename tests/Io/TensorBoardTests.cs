using System.Buffers.Binary;
using System.Text;

namespace Mayfly.Tests;

public class TensorBoardTests
{
    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_500);
    }

    /// <summary>The vectors of RFC 3720, appendix B.4, and the customary check value.</summary>
    public static TheoryData<byte[], uint> Vectors => new()
    {
        { new byte[32], 0x8A9136AA },
        { [.. Enumerable.Repeat((byte)0xFF, 32)], 0x62A8AB43 },
        { [.. Enumerable.Range(0, 32).Select(i => (byte)i)], 0x46DD794E },
        { [.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))], 0x113FDB5C },
        { "123456789"u8.ToArray(), 0xE3069283 },
        { [], 0 },
    };

    [Theory]
    [MemberData(nameof(Vectors))]
    public void The_checksum_is_the_standards(byte[] bytes, uint crc)
    {
        Assert.Equal(crc, Checksums.Append(0, bytes));
        Assert.Equal(crc, Checksums.Append(Checksums.Append(0, bytes.AsSpan(0, bytes.Length / 3)), bytes.AsSpan(bytes.Length / 3)));
        Assert.Equal(unchecked((crc >> 15 | crc << 17) + 0xA282EAD8), TfRecord.MaskedCrc(bytes));
    }

    [Fact]
    public void A_run_reads_back_as_it_was_written()
    {
        using var folder = new TemporaryFolder();
        using (var writer = new TensorBoardWriter(folder.File("tb"), 0, new FixedClock()))
        {
            writer.Write(new RunPoint(1, 4.5, double.NaN, 1e-3, 15_000, 1 << 20, 4096) { GradientNorm = 0.5 });
            writer.Write(new RunPoint(300, 1.25, 2.5, double.NaN, double.NaN, double.NaN, double.NaN));
        }

        string file = Assert.Single(Directory.GetFiles(folder.File("tb")));
        Assert.Equal($"events.out.tfevents.1700000000.{Environment.MachineName}", Path.GetFileName(file));
        Assert.Equal(
        [
            "1=1700000000.5 3=brain.Event:2",
            "1=1700000000.5 2=1 loss=4.5 learning_rate=0.001 tokens_per_second=15000 peak_bytes=1048576 live_bytes=4096 gradient_norm=0.5",
            "1=1700000000.5 2=300 loss=1.25 validation_loss=2.5 perplexity=12.182494",
        ], Records(File.ReadAllBytes(file)).Select(Describe));
    }

    [Fact]
    public void A_resumed_run_has_a_file_of_its_own_that_voids_what_was_lost()
    {
        using var folder = new TemporaryFolder();
        new TensorBoardWriter(folder.Path, 0, new FixedClock()).Dispose();
        using var writer = new TensorBoardWriter(folder.Path, 250, new FixedClock());
        Assert.EndsWith(".1", writer.Path);
        using var file = new FileStream(writer.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        Assert.Equal("1=1700000000.5 2=251 7=[1=1]", Describe(Records(bytes)[1]));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_named()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("a", "");
        Assert.Contains(file, Assert.Throws<InputException>(() => new TensorBoardWriter(file)).Message);
    }

    /// <summary>Takes the records apart and checks each frame.</summary>
    private static List<byte[]> Records(ReadOnlySpan<byte> file)
    {
        var records = new List<byte[]>();
        while (file.Length > 0)
        {
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
            Assert.Equal(TfRecord.MaskedCrc(file[..8]), BinaryPrimitives.ReadUInt32LittleEndian(file[8..]));
            Assert.Equal(TfRecord.MaskedCrc(file.Slice(12, length)), BinaryPrimitives.ReadUInt32LittleEndian(file[(12 + length)..]));
            records.Add(file.Slice(12, length).ToArray());
            file = file[(16 + length)..];
        }

        return records;
    }

    private static string Describe(byte[] message) => string.Join(' ', Fields(message).Select(field => field switch
    {
        (5, byte[] summary) => string.Join(' ', Fields(summary).Select(value => Scalar((byte[])value.Value))),
        (7, byte[] log) => $"7=[{Describe(log)}]",
        (var number, byte[] text) => $"{number}={Encoding.UTF8.GetString(text)}",
        var (number, value) => FormattableString.Invariant($"{number}={value}"),
    }));

    private static string Scalar(byte[] message)
    {
        var fields = Fields(message);
        Assert.Equal([1, 2], fields.Select(field => field.Number));
        return FormattableString.Invariant($"{Encoding.UTF8.GetString((byte[])fields[0].Value)}={fields[1].Value}");
    }

    private static List<(int Number, object Value)> Fields(ReadOnlySpan<byte> message)
    {
        var fields = new List<(int, object)>();
        while (message.Length > 0)
        {
            ulong key = VarInt(ref message);
            fields.Add(((int)(key >> 3), Value((int)(key & 7), ref message)));
        }

        return fields;
    }

    private static object Value(int type, ref ReadOnlySpan<byte> message)
    {
        if (type == 0) return VarInt(ref message);
        int length = type switch { 1 => 8, 2 => (int)VarInt(ref message), 5 => 4, _ =>
            throw new InvalidDataException($"Wire type {type}") };
        var bytes = message[..length];
        message = message[length..];
        return type switch { 1 => BinaryPrimitives.ReadDoubleLittleEndian(bytes), 5 => BinaryPrimitives.ReadSingleLittleEndian(bytes), _ =>
            bytes.ToArray() };
    }

    private static ulong VarInt(ref ReadOnlySpan<byte> message)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte part = message[0];
            message = message[1..];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80) return value;
        }
    }
}
