using System.Globalization;

namespace TrainGpt;

/// <summary>What an evaluation found.</summary>
/// <param name="Loss">The mean cross-entropy in nats per token.</param>
/// <param name="Windows">The windows measured.</param>
/// <param name="Tokens">The tokens predicted in them.</param>
/// <param name="Bytes">The bytes of those tokens' text in UTF-8; 0 where they are numbers.</param>
/// <param name="Data">What was measured on.</param>
/// <param name="Accuracy">The share of tokens that the model held for the likeliest.</param>
internal sealed record Evaluation(double Loss, int Windows, long Tokens, long Bytes, EvaluationData Data, double Accuracy)
{
    /// <summary>e to the loss: among how many equally likely tokens the model would be as unsure.</summary>
    public double Perplexity => Math.Exp(Loss);

    /// <summary>The loss in bits per byte of text, which does not depend on the tokenizer; null where tokens are numbers.</summary>
    public double? BitsPerByte => Bytes > 0 ? Loss * Tokens / Bytes / Math.Log(2) : null;

    /// <summary>The figures in one line, and in another what was measured.</summary>
    public override string ToString()
    {
        string bits = BitsPerByte is { } perByte ? Invariant($" | {perByte:F4} bits per byte") : "";
        string part = Invariant($"{Tokens:N0} of {Data.Tokens:N0} tokens, in {Windows:N0} of {Data.Windows.Count:N0} windows");
        return Invariant($"validation loss {Loss:F4} | perplexity {Perplexity:G5}{bits}\n")
            + Invariant($"measured on {Data.Name}: {part} of {Data.Windows.Context}, stride {Data.Windows.Context}")
            + (Data.Windows.Unscored > 0 ? Invariant($", of which the first {Data.Windows.Unscored} are read alone") : "");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What an evaluation measures on.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="Tokens">All of its tokens.</param>
/// <param name="Windows">Its windows side by side; each predicts every token of its own and the one after the last.</param>
internal sealed record EvaluationData(string Name, long Tokens, Windows Windows)
{
    /// <summary>The part of a run's data that is to validate on.</summary>
    /// <exception cref="InputException">It is too short; the message names it.</exception>
    /// <param name="data">The data.</param>
    /// <param name="name">What messages call the part.</param>
    /// <param name="context">The tokens of a window.</param>
    /// <param name="unscored">The first tokens of each window that are read and not measured.</param>
    public static EvaluationData Of(TokenStream data, string name, int context, int unscored = 0) =>
        new(name, data.Validation.Count, data.ValidationWindows(context, unscored));
}

/// <summary>How far an evaluation is.</summary>
/// <param name="Tokens">The tokens measured.</param>
/// <param name="Of">Those to be measured.</param>
/// <param name="All">All tokens of the data.</param>
/// <param name="IsWhole">True where all windows are to be measured.</param>
internal readonly record struct EvaluationProgress(long Tokens, long Of, long All, bool IsWhole)
{
    /// <summary>True for the evaluation at the end of a run.</summary>
    public bool IsAtEnd { get; init; }

    /// <summary>The part that is done, in per cent.</summary>
    public int Percent => (int)(100 * Tokens / Math.Max(1, Of));
}
