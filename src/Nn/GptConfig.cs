namespace Mayfly;

/// <summary>The shape of a <see cref="Gpt"/>. The defaults are nanoGPT's small CPU model.</summary>
public sealed record GptConfig
{
    /// <summary>V, the number of tokens.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The longest sequence, in tokens.</summary>
    public int Context { get; init; } = 64;

    /// <summary>The number of blocks.</summary>
    public int Layers { get; init; } = 4;

    /// <summary>The number of attention heads.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>C, the size of a token's vector.</summary>
    public int Width { get; init; } = 128;

    /// <summary>
    /// True where the head shares the token table: V C fewer weights, but in eager training the table's gradient lives through the whole backward
    /// sweep, as its first use is the last that the sweep reaches.
    /// </summary>
    public bool TiedHead { get; init; }

    /// <summary>
    /// The part of the elements that training sets to zero in the sum of the embeddings and in both branches of each block. Attention probabilities
    /// are not dropped.
    /// </summary>
    public float Dropout { get; init; }

    /// <summary>Whether norms and linear layers have biases; the head has none.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>The exact GELU by the error function in place of GPT-2's tanh form.</summary>
    public bool GeluErf { get; init; }

    /// <summary>Whether backward recomputes each block from its input instead of keeping what it made: less memory, a third more time.</summary>
    public bool CheckpointBlocks { get; init; }

    /// <summary>Checks every field.</summary>
    /// <exception cref="ArgumentException">A field is impossible; the message names it and says what to do.</exception>
    public void Check()
    {
        AtLeastOne(nameof(VocabularySize), VocabularySize);
        AtLeastOne(nameof(Context), Context);
        AtLeastOne(nameof(Layers), Layers);
        AtLeastOne(nameof(Heads), Heads);
        AtLeastOne(nameof(Width), Width);
        if (Width % Heads != 0)
            throw new ArgumentException($"GptConfig: Width {Width} is not divisible by Heads {Heads}; choose a width that is a multiple of the heads.");
        if (!(Dropout >= 0 && Dropout < 1))
            throw new ArgumentException($"GptConfig: Dropout {Dropout} is outside [0, 1); choose the part of the elements to drop, as 0.1.");
    }

    private static void AtLeastOne(string field, int value)
    {
        if (value < 1) throw new ArgumentException($"GptConfig: {field} is {value}; it must be at least 1.");
    }
}
