using System.Buffers.Binary;
using System.Text;

namespace Mayfly;

/// <summary>
/// What the header of a prepared token file says beside llm.c's three numbers, in the room that llm.c leaves unused: which tokenizer made
/// the ids, of what, and which of several files it is.
/// </summary>
public sealed record TokenFileInfo
{
    /// <summary>The tokenizer's <see cref="Tokenizer.Hash"/>.</summary>
    public required string TokenizerHash { get; init; }

    /// <summary>A hash of what the ids were made of and how, 32 hexadecimal digits. Files of one set have the same.</summary>
    public required string SourceHash { get; init; }

    /// <summary>The number of tokens of the tokenizer.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The id that ends each document; -1 where the text is one.</summary>
    public int Separator { get; init; } = -1;

    /// <summary>True where some ids are not to be learned: 32-bit ids, whose highest bit says so.</summary>
    public bool HasIgnored { get; init; }

    /// <summary>The file's number among those of its set, from 0 on.</summary>
    public int Shard { get; init; }

    /// <summary>The number of files.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>The ids of all files.</summary>
    public long TotalCount { get; init; }
}

/// <summary>The header of token files: 256 32-bit integers (llm.c's dev/data/data_common.py), ours behind the first 16.</summary>
internal static class TokenFileHeader
{
    public const int Bytes = 256 * sizeof(int);
    private const int OwnStart = 64, HashBytes = 16;
    private static readonly byte[] Sign = "MAYFLY01"u8.ToArray();

    /// <summary>llm.c's kinds, and one of ours in which the highest bit of an id says that it is not to be learned.</summary>
    public static readonly (int Magic, int Version, int IdBytes, bool IsMarked)[] Kinds =
        [(20240520, 1, sizeof(ushort), false), (20240801, 7, sizeof(int), false), (20261126, 1, sizeof(int), true)];

    /// <summary>Writes a header.</summary>
    public static byte[] Write(TokenFileInfo info, int idBytes, int count)
    {
        var (magic, version, _, _) = Kinds.Single(kind => kind.IdBytes == idBytes && kind.IsMarked == info.HasIgnored);
        byte[] header = new byte[Bytes];
        int[] numbers = [magic, version, count];
        for (int i = 0; i < numbers.Length; i++) Put(header, i * sizeof(int), numbers[i]);
        Sign.CopyTo(header, OwnStart);
        int[] own = [info.VocabularySize, info.Separator, info.Shard, info.Shards];
        for (int i = 0; i < own.Length; i++) Put(header, OwnStart + 8 + i * sizeof(int), own[i]);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(OwnStart + 24), info.TotalCount);
        Convert.FromHexString(info.TokenizerHash).CopyTo(header, OwnStart + 32);
        Convert.FromHexString(info.SourceHash).CopyTo(header, OwnStart + 32 + HashBytes);
        return header;
    }

    /// <summary>What a header says beyond llm.c's numbers; null where it is of another writer.</summary>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public static TokenFileInfo? Read(string path, ReadOnlySpan<byte> header, bool isMarked, long count)
    {
        if (!header[OwnStart..].StartsWith(Sign)) return null;
        var own = header[(OwnStart + 8)..];
        var info = new TokenFileInfo
        {
            VocabularySize = Get(own, 0), Separator = Get(own, 4), Shard = Get(own, 8), Shards = Get(own, 12),
            TotalCount = BinaryPrimitives.ReadInt64LittleEndian(own[16..]),
            TokenizerHash = Convert.ToHexStringLower(own.Slice(24, HashBytes)),
            SourceHash = Convert.ToHexStringLower(own.Slice(24 + HashBytes, HashBytes)),
            HasIgnored = isMarked,
        };
        if (info.VocabularySize < 1) throw Bad("vocabulary", $"{info.VocabularySize} is no size.");
        if (info.Separator < -1 || info.Separator >= info.VocabularySize)
            throw Bad("separator", $"the id {info.Separator} is beyond the vocabulary of {info.VocabularySize}.");
        if (info.Shards < 1 || info.Shard < 0 || info.Shard >= info.Shards)
            throw Bad("shard", $"it is number {info.Shard} of {info.Shards}.");
        if (info.TotalCount < count) throw Bad("count", $"all files have {info.TotalCount} ids, this one {count}.");
        return info;

        BadFileException Bad(string field, string problem) => new(path, field, $"{problem} The header is damaged; prepare the data again.");
    }

    private static int Get(ReadOnlySpan<byte> bytes, int place) => BinaryPrimitives.ReadInt32LittleEndian(bytes[place..]);

    private static void Put(byte[] bytes, int place, int number) => BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(place), number);
}
