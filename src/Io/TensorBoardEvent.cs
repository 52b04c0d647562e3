using System.Buffers.Binary;
using System.Text;

namespace Mayfly;

/// <summary>The few protocol buffer messages of TensorFlow's event files: <c>event.proto</c> and <c>summary.proto</c>.</summary>
internal static class TensorBoardEvent
{
    private const int VarInt = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5;

    /// <summary>The first event of a file.</summary>
    public static byte[] Version(double wallTime) => Event(wallTime, 0, message => Put(message, 3, "brain.Event:2"u8));

    /// <summary>Says that a run goes on: events of <paramref name="step"/> and later ones, in files before this one, are void.</summary>
    public static byte[] Restart(double wallTime, long step) => Event(wallTime, step, message =>
    {
        var log = new MemoryStream();
        Put(log, 1, 1UL); // SessionLog.START
        Put(message, 7, log.ToArray());
    });

    /// <summary>Values of a step by their tags.</summary>
    public static byte[] Scalars(double wallTime, long step, IEnumerable<(string Tag, float Value)> scalars) =>
        Event(wallTime, step, message =>
    {
        var summary = new MemoryStream();
        foreach (var (tag, value) in scalars) Put(summary, 1, Scalar(tag, value));
        Put(message, 5, summary.ToArray());
    });

    private static byte[] Event(double wallTime, long step, Action<MemoryStream> content)
    {
        var message = new MemoryStream();
        Span<byte> time = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleLittleEndian(time, wallTime);
        Key(message, 1, Fixed64);
        message.Write(time);
        if (step != 0) Put(message, 2, (ulong)step);
        content(message);
        return message.ToArray();
    }

    private static byte[] Scalar(string tag, float value)
    {
        var scalar = new MemoryStream();
        Put(scalar, 1, Encoding.UTF8.GetBytes(tag));
        Span<byte> bits = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bits, value);
        Key(scalar, 2, Fixed32);
        scalar.Write(bits);
        return scalar.ToArray();
    }

    private static void Put(MemoryStream message, int field, ReadOnlySpan<byte> bytes)
    {
        Key(message, field, Bytes);
        Number(message, (ulong)bytes.Length);
        message.Write(bytes);
    }

    private static void Put(MemoryStream message, int field, ulong value)
    {
        Key(message, field, VarInt);
        Number(message, value);
    }

    private static void Key(MemoryStream message, int field, int type) => Number(message, (ulong)(field << 3 | type));

    private static void Number(MemoryStream message, ulong value)
    {
        for (; value >= 0x80; value >>= 7) message.WriteByte((byte)(value | 0x80));
        message.WriteByte((byte)value);
    }
}
