using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// llama2.c's .bin, version 0 (export.py and run.c): seven numbers of 32 bits, then floats without names in a fixed order, and between the
/// last norm and the head two tables that nothing reads any more.
/// </summary>
internal static class Llama2cModel
{
    private const int HeaderNumbers = 7, HeaderBytes = HeaderNumbers * sizeof(int), Most = 1 << 24;

    /// <summary>The fields of the header in their order.</summary>
    private static readonly string[] Fields = ["dim", "hidden_dim", "n_layers", "n_heads", "n_kv_heads", "vocab_size", "seq_len"];

    /// <summary>True where the numbers at a file's begin are sizes whose weights have about the file's length.</summary>
    public static bool Fits(string path)
    {
        if (!File.Exists(path) || !path.EndsWith(".bin", StringComparison.Ordinal)) return false;
        using var stream = Files.OpenRead(path);
        return Header(stream) is { } header && header.All(number => number is not 0 and > -Most and < Most) && header[0] % header[3] == 0;
    }

    /// <summary>Opens one.</summary>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public static PretrainedModel Open(string path)
    {
        var stream = Files.OpenRead(path);
        try
        {
            int[] header = Header(stream) ?? throw new BadFileException(path, "header", "the file is too short for it.");
            for (int i = 0; i < header.Length; i++)
                if (header[i] is < 1 or >= Most && !(Fields[i] == "vocab_size" && header[i] is < 0 and > -Most))
                    throw new BadFileException(path, Fields[i], $"{header[i]} is impossible.");
            var config = Config(path, header);
            var weights = new Weights(path, stream, config, isTied: header[5] > 0);
            var tokenizer = TokenizerBeside(path, config.VocabularySize);
            return new PretrainedModel("llama2c", path, weights, WeightMap.GgufLlama, config, tokenizer);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static int[]? Header(FileStream stream)
    {
        Span<byte> bytes = stackalloc byte[HeaderBytes];
        if (stream.ReadAtLeast(bytes, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes) return null;
        var numbers = new int[HeaderNumbers];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(i * sizeof(int))..]);
        return numbers;
    }

    private static LlamaConfig Config(string path, int[] header)
    {
        var config = new LlamaConfig
        {
            Width = header[0],
            Hidden = header[1],
            Layers = header[2],
            Heads = header[3],
            KvHeads = header[4],
            VocabularySize = Math.Abs(header[5]),
            Context = header[6],
        };
        try
        {
            config.Check();
            return config;
        }
        catch (ArgumentException e)
        {
            throw new BadFileException(path, "header", e.Message, e);
        }
    }

    /// <summary>The vocabulary of the right size in the same folder: tokNNN.bin, tokenizer.bin, tokenizer.model.</summary>
    private static Tokenizer? TokenizerBeside(string path, int size)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[] names = [string.Create(CultureInfo.InvariantCulture, $"tok{size}.bin"), "tokenizer.bin", "tokenizer.model"];
        string? file = names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        return file is null ? null : TokenizerFile.Open(file);
    }

    /// <summary>The floats under GGUF's names, with which they share what rotates.</summary>
    private sealed class Weights : IWeights
    {
        private readonly string path;
        private readonly FileStream stream;
        private readonly Dictionary<string, (long Place, long[] Sizes)> places = new(StringComparer.Ordinal);
        private long end = HeaderBytes;

        public Weights(string path, FileStream stream, LlamaConfig config, bool isTied)
        {
            (this.path, this.stream) = (path, stream);
            long width = config.Width, kvWidth = config.HeadSize * (long)config.KvHeads, hidden = config.Hidden;
            Add("token_embd.weight", config.VocabularySize, width);
            AddBlocks(config, "attn_norm", width);
            AddBlocks(config, "attn_q", width, width);
            AddBlocks(config, "attn_k", kvWidth, width);
            AddBlocks(config, "attn_v", kvWidth, width);
            AddBlocks(config, "attn_output", width, width);
            AddBlocks(config, "ffn_norm", width);
            AddBlocks(config, "ffn_gate", hidden, width);
            AddBlocks(config, "ffn_down", width, hidden);
            AddBlocks(config, "ffn_up", hidden, width);
            Add("output_norm.weight", width);
            end += (long)config.Context * config.HeadSize * sizeof(float); // the tables of the rotation
            if (!isTied) Add("output.weight", config.VocabularySize, width);
            if (end != stream.Length)
                throw new BadFileException(
                    path, "length", $"the sizes in the header ask for {end:N0} bytes, the file has {stream.Length:N0}.");
        }

        public IReadOnlyCollection<string> Names => places.Keys;

        public string FileOf(string name) => path;

        public long[]? Sizes(string name) => places.TryGetValue(name, out var place) ? place.Sizes : null;

        public void Read(string name, long start, Span<float> values) =>
            Files.ReadAt(stream, path, name, places[name].Place + start * sizeof(float), MemoryMarshal.AsBytes(values));

        public void Dispose() => stream.Dispose();

        private void AddBlocks(LlamaConfig config, string name, params long[] sizes)
        {
            for (int i = 0; i < config.Layers && end <= stream.Length; i++)
                Add(string.Create(CultureInfo.InvariantCulture, $"blk.{i}.{name}.weight"), sizes);
        }

        private void Add(string name, params long[] sizes)
        {
            places.Add(name, (end, sizes));
            end += sizes.Aggregate((long)sizeof(float), (bytes, size) => checked(bytes * size));
        }
    }
}
