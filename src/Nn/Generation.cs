using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>A piece of generated text.</summary>
/// <param name="Row">The number of its prompt.</param>
/// <param name="Text">At least one character.</param>
public readonly record struct TextPiece(int Row, string Text);

/// <summary>Lets a model continue sequences. See <see cref="Generator"/>.</summary>
public static class Generation
{
    /// <summary>Yields tokens one by one, each given the last <see cref="LanguageModel.Context"/> of those before it.</summary>
    /// <param name="model">The model; dropout is off while it is asked.</param>
    /// <param name="prompt">What to continue, at least one id.</param>
    /// <param name="count">The number of tokens.</param>
    /// <param name="sampling">How they are chosen.</param>
    /// <exception cref="ArgumentException">The prompt is empty, or the sampling is impossible.</exception>
    /// <exception cref="ArithmeticException">A score is infinite or not a number: the model's weights are.</exception>
    public static IEnumerable<int> Generate(this LanguageModel model, IReadOnlyList<int> prompt, int count, Sampling sampling)
    {
        Generator.Check([prompt], count, sampling);
        return model.Tokens([prompt], count, sampling).Select(token => token.Id);
    }

    /// <summary>As <see cref="Generate"/>, each token made by a thread of the pool.</summary>
    /// <param name="model">The model; dropout is off while it is asked, and nobody else uses it meanwhile.</param>
    /// <param name="prompt">What to continue, at least one id.</param>
    /// <param name="count">The number of tokens.</param>
    /// <param name="sampling">How they are chosen.</param>
    /// <param name="cancellation">Ends the sequence before its next token, with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The prompt is empty, or the sampling is impossible.</exception>
    /// <exception cref="ArithmeticException">A score is infinite or not a number: the model's weights are.</exception>
    public static IAsyncEnumerable<int> GenerateAsync(
        this LanguageModel model, IReadOnlyList<int> prompt, int count, Sampling sampling, CancellationToken cancellation = default) =>
        Async(model.Generate(prompt, count, sampling), cancellation);

    private static async IAsyncEnumerable<T> Async<T>(
        IEnumerable<T> sequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var items = sequence.GetEnumerator();
        while (await Task.Run(items.MoveNext, cancellation).ConfigureAwait(false)) yield return items.Current;
    }

    /// <summary>Yields the tokens of several prompts as they come: for each step one of every prompt.</summary>
    /// <param name="model">The model; dropout is off while it is asked.</param>
    /// <param name="prompts">What to continue, each of at least one id.</param>
    /// <param name="count">The number of tokens for each.</param>
    /// <param name="sampling">How they are chosen.</param>
    /// <exception cref="ArgumentException">There is no prompt or an empty one, or the sampling is impossible.</exception>
    /// <exception cref="ArithmeticException">A score is infinite or not a number: the model's weights are.</exception>
    public static IEnumerable<GeneratedToken> GenerateBatch(
        this LanguageModel model, IReadOnlyList<IReadOnlyList<int>> prompts, int count, Sampling sampling)
    {
        Generator.Check(prompts, count, sampling);
        return model.Tokens(prompts, count, sampling);
    }

    /// <summary>
    /// Yields the text of several prompts as it comes. A row ends at its first stop text, which is not part of the result, or at the end
    /// token. Text that may be the start of a stop text, and bytes that are not yet a whole character, wait for the next tokens.
    /// </summary>
    /// <param name="model">The model; dropout is off while it is asked.</param>
    /// <param name="prompts">What to continue, each of at least one id.</param>
    /// <param name="count">The most tokens for each.</param>
    /// <param name="sampling">How they are chosen.</param>
    /// <param name="decode">The text of tokens; bytes that are no character decode as U+FFFD.</param>
    /// <param name="stops">The texts that end a row; null for none.</param>
    /// <param name="end">The token that ends a row; null for none.</param>
    /// <exception cref="ArgumentException">
    /// There is no prompt or an empty one, an empty stop text, or the sampling is impossible.
    /// </exception>
    /// <exception cref="ArithmeticException">A score is infinite or not a number: the model's weights are.</exception>
    public static IEnumerable<TextPiece> GenerateText(
        this LanguageModel model,
        IReadOnlyList<IReadOnlyList<int>> prompts,
        int count,
        Sampling sampling,
        Func<int[], string> decode,
        IReadOnlyList<string>? stops = null,
        int? end = null)
    {
        Generator.Check(prompts, count, sampling);
        if (stops is not null && stops.Any(string.IsNullOrEmpty))
            throw new ArgumentException("Generate: a stop text is empty.", nameof(stops));
        return Texts(model, prompts, count, sampling, [.. prompts.Select(_ => new TextStream(decode, stops ?? []))], end);
    }

    private static IEnumerable<GeneratedToken> Tokens(
        this LanguageModel model, IReadOnlyList<IReadOnlyList<int>> prompts, int count, Sampling sampling)
    {
        using var generator = new Generator(model, prompts, count, sampling);
        while (!generator.IsDone)
            foreach (var token in generator.Step()) yield return token;
    }

    private static IEnumerable<TextPiece> Texts(
        LanguageModel model, IReadOnlyList<IReadOnlyList<int>> prompts, int count, Sampling sampling, TextStream[] streams, int? end)
    {
        using var generator = new Generator(model, prompts, count, sampling);
        while (!generator.IsDone)
            foreach (var (row, _, id) in generator.Step())
            {
                string text = id == end ? "" : streams[row].Push(id);
                bool stops = id == end || streams[row].IsStopped;
                if (stops) generator.Stop(row);
                if (stops || generator.Left == 0) text += streams[row].Finish();
                if (text.Length > 0) yield return new TextPiece(row, text);
            }
    }
}
