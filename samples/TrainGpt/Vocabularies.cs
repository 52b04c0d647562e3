using System.IO.Compression;
using System.Reflection;

namespace TrainGpt;

/// <summary>The vocabularies in the packages Microsoft.ML.Tokenizers.Data.*, each a packed .tiktoken file in an assembly.</summary>
internal static class Vocabularies
{
    /// <summary>Reads one.</summary>
    /// <param name="package">The end of the package's name.</param>
    /// <param name="file">The file's name in it.</param>
    public static Tokenizer Open(string package, string file)
    {
        var assembly = Assembly.Load($"Microsoft.ML.Tokenizers.Data.{package}");
        using var packed = assembly.GetManifestResourceStream($"{file}.tiktoken.deflate")
            ?? throw new InputException($"The package of the vocabulary '{file}' lacks it; give its .tiktoken file by --tokenizer FILE.");
        using var text = new DeflateStream(packed, CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        text.CopyTo(bytes);
        return TokenizerFile.OfTiktoken(bytes.ToArray(), file);
    }
}
