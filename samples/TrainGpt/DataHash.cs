using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace TrainGpt;

/// <summary>
/// A hash of the ids that a run learns from, the same for the same ids wherever they lie: XXH128 of both parts, of each the number of its
/// ids and the XXH128 of each piece of 4 Mi ids, which are found side by side.
/// </summary>
internal static class DataHash
{
    private const int PieceIds = 1 << 22, BufferIds = 1 << 14;

    /// <summary>The hash in 32 hexadecimal digits.</summary>
    public static string Of(TokenStream data)
    {
        var hash = new XxHash128();
        Append(hash, data.Train);
        Append(hash, data.Validation);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <summary>Refuses data that is not that of the run.</summary>
    /// <exception cref="InputException">It is other data; the message has both hashes.</exception>
    public static void Check(TrainOptions options, string found)
    {
        if (options.DataHash is { } asked && asked != found)
            throw new InputException($"--data-hash {asked} is not that of {Corpus.Name(options.Data)}, which has {found}: "
                + "the data is not that of the "
                + "run. Give its --data, or train anew without the hash.");
    }

    private static void Append(XxHash128 hash, ITokens part)
    {
        hash.Append(BitConverter.GetBytes(part.Count));
        byte[][] pieces = new byte[(part.Count + PieceIds - 1) / PieceIds][];
        Parallel.For(0, pieces.Length, i => pieces[i] = Piece(part, (long)i * PieceIds));
        foreach (byte[] piece in pieces) hash.Append(piece);
    }

    private static byte[] Piece(ITokens part, long start)
    {
        var hash = new XxHash128();
        int[] buffer = new int[BufferIds];
        for (long end = Math.Min(start + PieceIds, part.Count); start < end; start += BufferIds)
        {
            var ids = buffer.AsSpan(0, (int)Math.Min(BufferIds, end - start));
            part.Copy(start, ids);
            hash.Append(MemoryMarshal.AsBytes(ids));
        }

        return hash.GetCurrentHash();
    }
}
