using System.Buffers.Binary;
using System.Text;

namespace Mayfly.Tests;

/// <summary>Opens damaged files of every format from memory.</summary>
internal static class TokenizerFuzz
{
    /// <summary>Damages good files of all formats, each many times.</summary>
    /// <exception cref="Exception">A reader threw something that is not an error of the file.</exception>
    public static void Run(int seed, int rounds)
    {
        var random = new Random(seed);
        foreach (var (format, good) in Good())
            for (int round = 0; round < rounds; round++) Try(format, Damaged(good, random), seed, round);
    }

    private static void Try(TokenizerFormat format, byte[] bytes, int seed, int round)
    {
        try
        {
            if (!format.Fits(bytes)) return;
            var tokenizer = new SubwordTokenizer(format, bytes, format.Read(bytes, "f"), "f");
            Use(tokenizer);
        }
        catch (BadFileException e) when (e.File == "f" && e.Message.Length < 2000)
        {
            // as it should be
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{format.Name}, seed {seed}, round {round}: {e.Message}", e);
        }
    }

    private static void Use(SubwordTokenizer tokenizer)
    {
        try
        {
            tokenizer.Decode(tokenizer.Encode("hello world 12 \u00e9"));
        }
        catch (InputException)
        {
            // the vocabulary may lack a character
        }
    }

    /// <summary>A copy with one to three changes: bytes, bits, numbers, cuts, repetitions.</summary>
    public static byte[] Damaged(byte[] good, Random random)
    {
        byte[] bytes = [.. good];
        for (int i = random.Next(1, 4); i > 0; i--)
            switch (random.Next(5))
            {
                case 0: bytes[random.Next(bytes.Length)] = (byte)random.Next(256); break;
                case 1: bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes = bytes[..random.Next(1, bytes.Length + 1)]; break;
                case 3: BinaryPrimitives.WriteInt32LittleEndian(Slice(bytes, random), random.Next(int.MinValue, int.MaxValue)); break;
                default:
                    int from = random.Next(bytes.Length), length = random.Next(bytes.Length - from);
                    bytes = [.. bytes[..from], .. bytes[from..(from + length)], .. bytes[from..]];
                    break;
            }

        return bytes;
    }

    private static Span<byte> Slice(byte[] bytes, Random random) =>
        bytes.Length < 4 ? new byte[4] : bytes.AsSpan(random.Next(bytes.Length - 3));

    private static IEnumerable<(TokenizerFormat Format, byte[] Good)> Good()
    {
        foreach (bool isBpe in new[] { true, false })
        {
            var model = new SentencePieceModel
            {
                Pieces = [("<unk>", 0, TokenKind.Unknown), ("<s>", 0, TokenKind.Control), ("</s>", 0, TokenKind.Control),
                    ("<0x0A>", 0, TokenKind.Byte),
                    ("▁", -1, TokenKind.Normal), ("h", -2, TokenKind.Normal), ("e", -3, TokenKind.Normal), ("he", -4, TokenKind.Normal)],
                IsBpe = isBpe,
                HasByteFallback = isBpe,
                CharacterMap = [8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 65, 0],
            };
            yield return (TokenizerFormat.SentencePiece, SentencePieceWriter.Write(model));
            var json = new MemoryStream();
            HuggingFaceWriter.Write(json, model.Define("f"));
            yield return (TokenizerFormat.HuggingFace, json.ToArray());
        }

        yield return (TokenizerFormat.HuggingFace, Gpt2Format.ToHuggingFace(
            """{"h":0,"e":1,"l":2,"o":3,"he":4,"ll":5,"Ġ":6,"w":7,"<|endoftext|>":8}"""u8.ToArray(), "f", "h e\nl l\n"u8.ToArray(), "f"));
        yield return (TokenizerFormat.Tiktoken, Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 256)
            .Select(b => $"{Convert.ToBase64String([(byte)b])} {b}\n"))));
        yield return (TokenizerFormat.Llama2c, Llama2c());
    }

    private static byte[] Llama2c()
    {
        var file = new MemoryStream();
        var writer = new BinaryWriter(file);
        writer.Write(7);
        string[] bytes = [.. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>")];
        string[] tokens = ["<unk>", "\n<s>\n", "\n</s>\n", .. bytes, " ", "h", "e", "he", "hell"];
        foreach (string token in tokens)
        {
            writer.Write(-(float)token.Length);
            writer.Write(Encoding.UTF8.GetByteCount(token));
            writer.Write(Encoding.UTF8.GetBytes(token));
        }

        return file.ToArray();
    }
}
