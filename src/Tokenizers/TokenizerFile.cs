namespace Mayfly;

/// <summary>Opens tokenizers in the formats of others: what a file is of is told by what is in it.</summary>
public static class TokenizerFile
{
    private const int Peeked = 1 << 12, LongestFile = 1 << 28;

    /// <summary>The files of a model's folder, the best first.</summary>
    private static readonly string[] InFolder = ["tokenizer.json", "tokenizer.model", "vocab.json", "encoder.json"];

    /// <summary>The formats, in words.</summary>
    public static string Help { get; } = $"{string.Join(", ", TokenizerFormat.All.Select(format => format.Help))}, GPT-2's encoder.json or "
        + "vocab.json with its merges beside it, a .gguf file, the folder of a model with one of these, or Mayfly's own JSON";

    /// <summary>
    /// Opens a tokenizer: Hugging Face's tokenizer.json, a .tiktoken file, a SentencePiece model, llama2.c's tok*.bin, GPT-2's pair of
    /// files by either of them, the vocabulary in a GGUF file, a folder with one of these, or what <see cref="Tokenizer.Save"/> wrote.
    /// </summary>
    /// <param name="path">The file or folder.</param>
    /// <exception cref="InputException">It cannot be read.</exception>
    /// <exception cref="BadFileException">It is of no known format, damaged, or has a part that is not supported.</exception>
    public static Tokenizer Open(string path) =>
        BadFileException.Guard(path, "tokenizer", "it cannot be read", () => OpenAny(path));

    private static Tokenizer OpenAny(string path)
    {
        if (Directory.Exists(path)) return OpenAny(FileOf(path));
        if (Gpt2Format.Find(path) is var (ids, merges)) return OfPair(ids, merges);
        if (GgufReader.Fits(path)) return OfGguf(path);
        byte[] bytes = ReadBytes(path);
        var format = TokenizerFormat.All.FirstOrDefault(format => format.Fits(bytes));
        if (format is not null) return Make(format, bytes, path, Beside(path, format.Read(bytes, path)));
        return IsOurs(bytes) ? Tokenizer.Load(path) : throw new BadFileException(path, "format", $"it is of none that is known: {Help}.");
    }

    /// <summary>True where a folder has a tokenizer's file.</summary>
    internal static bool IsIn(string folder) => InFolder.Any(name => File.Exists(Path.Combine(folder, name)));

    /// <summary>Reads a .tiktoken file's content, with a name for messages.</summary>
    /// <exception cref="BadFileException">It is damaged, or of an unknown encoding.</exception>
    public static Tokenizer OfTiktoken(byte[] content, string name) => Make(TokenizerFormat.Tiktoken, content, name);

    internal static SubwordTokenizer Make(TokenizerFormat format, byte[] bytes, string path, TokenizerDefinition? definition = null)
    {
        SubwordTokenizer.Register();
        return new SubwordTokenizer(format, bytes, definition ?? format.Read(bytes, path), path);
    }

    private static SubwordTokenizer OfGguf(string path)
    {
        using var file = GgufReader.Open(path);
        return GgufVocabulary.Read(file) ?? throw new BadFileException(path, "tokenizer.ggml.model", "it is missing.");
    }

    private static SubwordTokenizer OfPair(string ids, string merges) => Make(
        TokenizerFormat.HuggingFace, Gpt2Format.ToHuggingFace(ReadBytes(ids), ids, ReadBytes(merges), merges), ids);

    private static string FileOf(string folder) => InFolder.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? throw new InputException($"The folder '{folder}' holds no tokenizer; {string.Join(", ", InFolder)} were looked for.");

    private static byte[] ReadBytes(string path)
    {
        using var stream = Files.OpenRead(path);
        if (stream.Length > LongestFile)
            throw new BadFileException(path, "length", $"{stream.Length} bytes are no tokenizer; the largest has {LongestFile}.");
        return Files.Guard($"Cannot read '{path}'", () =>
        {
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        });
    }

    /// <summary>The end of a text as tokenizer_config.json beside the file has it.</summary>
    private static TokenizerDefinition Beside(string path, TokenizerDefinition definition)
    {
        string config = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "tokenizer_config.json");
        return File.Exists(config) ? JsonPart.Read(ReadBytes(config), config, root => definition with
        {
            End = Special(root["eos_token"], definition) ?? definition.End,
            Begin = root["add_bos_token"].Flag(false) ? Special(root["bos_token"], definition) ?? definition.Begin : definition.Begin,
        }) : definition;
    }

    private static int? Special(JsonPart name, TokenizerDefinition definition)
    {
        if (name.IsNull) return null;
        string text = name["content"].IsNull ? name.Text : name["content"].Text;
        return definition.Added.FirstOrDefault(token => token.Content == text)?.Id;
    }

    private static bool IsOurs(byte[] bytes) => bytes.AsSpan(0, Math.Min(bytes.Length, Peeked)).IndexOf("\"type\""u8) >= 0;
}
