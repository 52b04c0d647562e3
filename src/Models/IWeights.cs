namespace Mayfly;

/// <summary>The tensors of a model's files by their names there.</summary>
internal interface IWeights : IDisposable
{
    /// <summary>The names.</summary>
    IReadOnlyCollection<string> Names { get; }

    /// <summary>The file in which a tensor is, for messages.</summary>
    string FileOf(string name);

    /// <summary>The sizes of a tensor, the outermost first; null where there is none of the name.</summary>
    long[]? Sizes(string name);

    /// <summary>Reads elements of a tensor as floats, from one on in row-major order.</summary>
    /// <exception cref="BadFileException">Its type does not convert, or the file cannot be read.</exception>
    void Read(string name, long start, Span<float> values);
}
