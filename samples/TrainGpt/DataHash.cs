using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace TrainGpt;

/// <summary>
/// XXH128 of the ids that a run learns from: of each part its number of ids as 64 bits and its ids as 32 bits, little-endian. It is the
/// same for the same ids, wherever they lie.
/// </summary>
internal static class DataHash
{
    private const int Piece = 1 << 14;

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
                + $"the data is not that of the "
                + "run. Give its --data, or train anew without the hash.");
    }

    private static void Append(XxHash128 hash, ITokens part)
    {
        hash.Append(BitConverter.GetBytes(part.Count));
        int[] ids = new int[Piece];
        for (long start = 0; start < part.Count; start += Piece)
        {
            var piece = ids.AsSpan(0, (int)Math.Min(Piece, part.Count - start));
            part.Copy(start, piece);
            hash.Append(MemoryMarshal.AsBytes(piece));
        }
    }
}
