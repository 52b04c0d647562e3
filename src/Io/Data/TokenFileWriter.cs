using System.Globalization;
using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// Writes ids to token files that <see cref="TokenShards"/> opens: one of the name that is given, or several where one would be too large,
/// <c>NAME-00001-of-00003.bin</c>. They have their names once all are on the disk; whatever ends it before, none is there.
/// </summary>
public sealed class TokenFileWriter : IDisposable
{
    /// <summary>The most ids of a file, unless another number is given: 2^30.</summary>
    public const int StandardShard = 1 << 30;

    private const int BufferIds = 1 << 18;
    private readonly string path;
    private readonly TokenFileInfo info;
    private readonly int idBytes, shardIds;
    private readonly List<(Files.Partial File, int Count)> shards = [];
    private readonly byte[] buffer;
    private int buffered;

    /// <summary>Nothing is written yet.</summary>
    /// <param name="path">The file, a name that ends in <c>.bin</c>.</param>
    /// <param name="info">What the header says; of numbers and counts this class takes care.</param>
    /// <param name="shardIds">The most ids of a file.</param>
    /// <exception cref="InputException">The name does not end so, or stands for something else than a file.</exception>
    public TokenFileWriter(string path, TokenFileInfo info, int shardIds = StandardShard)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardIds, 1);
        if (!TokenShards.IsTokens(path)) throw new InputException($"'{path}': the name of a file of token ids ends in .bin.");
        Files.CheckReplaceable(path);
        (this.path, this.info, this.shardIds) = (path, info, shardIds);
        idBytes = info.HasIgnored || info.VocabularySize > ushort.MaxValue + 1 ? sizeof(int) : sizeof(ushort);
        buffer = new byte[BufferIds * idBytes];
    }

    /// <summary>The id that ends each document, where there are documents; known when they were read.</summary>
    public int Separator { get; set; } = -1;

    /// <summary>The ids written.</summary>
    public long Count { get; private set; }

    /// <summary>Adds ids, whose highest bit says that one is not to be learned.</summary>
    /// <exception cref="InputException">They cannot be written.</exception>
    internal void Write(ReadOnlySpan<int> ids)
    {
        for (; ids.Length > 0; ids = ids[Put(ids)..])
            if (shards.Count == 0 || shards[^1].Count == shardIds) Begin();
    }

    /// <summary>Gives the files their names.</summary>
    /// <returns>The files.</returns>
    /// <exception cref="InputException">They cannot be written, or there are no ids.</exception>
    public IReadOnlyList<string> Finish()
    {
        if (Count == 0) throw new InputException("The data is empty: there is nothing to learn from.");
        Flush();
        string[] names = [.. Enumerable.Range(0, shards.Count).Select(Name)];
        for (int i = 0; i < shards.Count; i++)
        {
            var own = info with { Separator = Separator, Shard = i, Shards = shards.Count, TotalCount = Count };
            shards[i].File.Finish(TokenFileHeader.Write(own, idBytes, shards[i].Count));
        }

        for (int i = 0; i < shards.Count; i++) shards[i].File.Rename(names[i]);
        foreach (string old in TokenShards.SetOf(path).Except(names)) Files.Delete(old);
        if (shards.Count > 1) Files.Delete(path);
        return names;
    }

    /// <summary>Drops what is not finished.</summary>
    public void Dispose()
    {
        foreach (var (file, _) in shards) file.Dispose();
    }

    private void Begin()
    {
        Flush();
        var file = new Files.Partial(NameOf(shards.Count, of: 0));
        shards.Add((file, 0));
        file.Write(new byte[TokenFileHeader.Bytes]);
    }

    /// <summary>Takes as many ids as there is room for in the buffer and the file.</summary>
    private int Put(ReadOnlySpan<int> ids)
    {
        var (file, count) = shards[^1];
        int taken = Math.Min(ids.Length, Math.Min(BufferIds - buffered, shardIds - count));
        if (idBytes == sizeof(int)) ids[..taken].CopyTo(MemoryMarshal.Cast<byte, int>(buffer.AsSpan())[buffered..]);
        else
        {
            var narrow = MemoryMarshal.Cast<byte, ushort>(buffer.AsSpan())[buffered..];
            for (int i = 0; i < taken; i++) narrow[i] = (ushort)ids[i];
        }

        buffered += taken;
        Count += taken;
        shards[^1] = (file, count + taken);
        if (buffered == BufferIds) Flush();
        return taken;
    }

    private void Flush()
    {
        if (buffered > 0) shards[^1].File.Write(buffer.AsSpan(0, buffered * idBytes));
        buffered = 0;
    }

    private string Name(int shard) => shards.Count == 1 ? path : NameOf(shard, shards.Count);

    private string NameOf(int shard, int of) => string.Create(CultureInfo.InvariantCulture,
        $"{path[..^Path.GetExtension(path).Length]}-{shard + 1:D5}-of-{of:D5}{Path.GetExtension(path)}");
}
