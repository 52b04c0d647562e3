namespace Mayfly;

/// <summary>A table of vectors looked up by id.</summary>
public sealed class Embedding : Module
{
    /// <summary>A new <c>table</c> (V, C).</summary>
    /// <param name="source">Makes the parameter.</param>
    /// <param name="count">V, the number of ids.</param>
    /// <param name="width">C, the size of a vector.</param>
    /// <param name="initializer">The initial values; null means <see cref="Init.Normal"/> with deviation 0.02.</param>
    /// <exception cref="ArgumentException">A size below 1.</exception>
    public Embedding(ParameterSource source, int count, int width, Initializer? initializer = null) =>
        Table = Add(source.New("table", (count, width), Role.Embedding, initializer ?? Init.Normal(0.02)));

    /// <summary>(V, C).</summary>
    public Parameter Table { get; }

    /// <summary>
    /// The vectors of the positions of tokens, as learned positions need them: of 0, 1, ... along the last axis; for new tokens of a
    /// cache's rows, of the positions after what each row holds; for <see cref="Segments"/>, of those within each.
    /// </summary>
    /// <param name="ids">I32 (B, T).</param>
    /// <returns>(T, C), to be added to (B, T, C); (1, T, C) for new tokens of a cache, (B, T, C) for segments.</returns>
    public Tensor AtPositions(Tensor ids)
    {
        CheckOwn();
        return LanguageModel.Step is { } step ? Forward(step.Positions)
            : LanguageModel.Segments is { } segments ? Forward(segments.Positions)
            : Table.Value.Slice(0, 0, ids.Shape[-1]);
    }

    /// <summary>ids I32 (...) -> (..., C).</summary>
    protected override Tensor Forward(Tensor x) => Table.Value.Embedding(x);
}
