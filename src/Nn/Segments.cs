namespace Mayfly;

/// <summary>
/// Where the rows of a batch are cut into parts that do not see each other: documents packed into one row behave as if each were alone.
/// </summary>
/// <param name="First">I32 (B, T): the first position of its row that each position sees, at most its own.</param>
/// <param name="Positions">I32 (B, T): where each position stands, for learned positions; those of a document begin at 0.</param>
public sealed record Segments(Tensor First, Tensor Positions) : IDisposable
{
    /// <summary>Documents of a batch.</summary>
    /// <param name="first">For each of the B T positions the first one of its document, counted from its row's first.</param>
    /// <param name="context">T.</param>
    /// <param name="device">Where they are made; null means <see cref="Device.Cpu"/>.</param>
    /// <exception cref="ArgumentException">They are no whole rows.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A position would begin its document behind itself, or before its row.</exception>
    public static Segments Of(ReadOnlySpan<int> first, int context, Device? device = null)
    {
        if (context < 1 || first.Length % context != 0)
            throw new ArgumentException($"Segments: {first.Length} positions are no whole rows of {context}.", nameof(first));
        int[] positions = new int[first.Length];
        for (int i = 0; i < first.Length; i++)
        {
            positions[i] = i % context - first[i];
            if (first[i] < 0 || positions[i] < 0) throw new ArgumentOutOfRangeException(
                nameof(first), $"Segments: position {i % context} of row {i / context} begins its document at {first[i]}.");
        }

        Shape shape = (first.Length / context, context);
        return new Segments(Tensor.From(first, shape, device), Tensor.From<int>(positions, shape, device));
    }

    /// <summary>Frees both.</summary>
    public void Dispose()
    {
        First.Dispose();
        Positions.Dispose();
    }
}
