namespace Mayfly;

/// <summary>A format of tokenizer files.</summary>
/// <param name="Name">What a snapshot calls it.</param>
/// <param name="Help">What it is, in words.</param>
/// <param name="Fits">Tells by a file's bytes whether they are of it.</param>
/// <param name="Read">Reads it; the second argument is the file's name, for messages.</param>
internal sealed record TokenizerFormat(
    string Name, string Help, Predicate<ReadOnlyMemory<byte>> Fits, Func<byte[], string, TokenizerDefinition> Read)
{
    /// <summary>Hugging Face's tokenizer.json.</summary>
    public static readonly TokenizerFormat HuggingFace =
        new("huggingface", "tokenizer.json", HuggingFaceFormat.Fits, HuggingFaceFormat.Read);

    /// <summary>tiktoken's ranks.</summary>
    public static readonly TokenizerFormat Tiktoken = new("tiktoken", ".tiktoken", TiktokenFormat.Fits, TiktokenFormat.Read);

    /// <summary>SentencePiece's models.</summary>
    public static readonly TokenizerFormat SentencePiece =
        new("sentencepiece", "SentencePiece's .model", SentencePieceFormat.Fits, SentencePieceFormat.Read);

    /// <summary>The vocabulary beside a llama2.c model.</summary>
    public static readonly TokenizerFormat Llama2c = new("llama2c", "llama2.c's tok*.bin", Llama2cFormat.Fits, Llama2cFormat.Read);

    /// <summary>All that are read from one file, in the order in which they are tried.</summary>
    public static readonly IReadOnlyList<TokenizerFormat> All = [HuggingFace, Tiktoken, Llama2c, SentencePiece];
}
