using System.Text;

namespace TrainGpt;

/// <summary>Continues texts, piece by piece.</summary>
internal static class TextGenerator
{
    /// <summary>The pieces of text after <paramref name="prompt"/>; an empty one stands for a new line.</summary>
    /// <exception cref="InputException">The prompt has a character the vocabulary lacks.</exception>
    public static IEnumerable<string> Continue(LanguageModel model, Tokenizer tokenizer, string prompt, int count, Sampling sampling) =>
        Continue(model, tokenizer, [prompt], count, sampling, []).Select(piece => piece.Text);

    /// <summary>The pieces of text after several prompts, which are continued together.</summary>
    /// <exception cref="InputException">A prompt has a character the vocabulary lacks.</exception>
    /// <exception cref="ArgumentException">The sampling is impossible, or a stop text is empty.</exception>
    public static IEnumerable<TextPiece> Continue(
        LanguageModel model, Tokenizer tokenizer, IReadOnlyList<string> prompts, int count, Sampling sampling, IReadOnlyList<string> stops)
    {
        int[][] starts = [.. prompts.Select(prompt => Start(tokenizer, prompt))];
        bool begins = prompts.All(prompt => prompt.Length == 0);
        return model.GenerateText(starts, count, sampling, ids => begins ? tokenizer.Decode(ids) : tokenizer.DecodeNext(ids), stops,
            tokenizer.EndOfText);
    }

    private static int[] Start(Tokenizer tokenizer, string prompt)
    {
        int[] ids = tokenizer.Encode(prompt);
        return tokenizer.BeginOfText is { } begin ? [begin, .. ids] : prompt.Length > 0 ? ids : [FirstId(tokenizer)];
    }

    /// <summary>Writes the pieces as they come.</summary>
    public static void Write(TextWriter output, IEnumerable<string> pieces, CancellationToken stop)
    {
        foreach (string piece in pieces)
        {
            if (stop.IsCancellationRequested) break;
            output.Write(piece);
            output.Flush();
        }

        output.WriteLine();
    }

    /// <summary>Writes the first text as it comes and the others after it, each under a line with its number.</summary>
    public static void WriteAll(TextWriter output, IReadOnlyList<string> heads, IEnumerable<TextPiece> pieces, CancellationToken stop)
    {
        StringBuilder[] later = [.. heads.Select(head => new StringBuilder(head))];
        output.WriteLine(Title(0, heads.Count));
        output.Write(heads[0]);
        Write(output, pieces.Select(piece => piece.Row == 0 ? piece.Text : Keep(later, piece)), stop);
        for (int i = 1; i < later.Length; i++) output.WriteLine($"{Title(i, heads.Count)}{output.NewLine}{later[i]}");
    }

    private static string Title(int index, int count) => $"--- {index + 1} of {count} ---";

    private static string Keep(StringBuilder[] later, TextPiece piece)
    {
        later[piece.Row].Append(piece.Text);
        return "";
    }

    private static int FirstId(Tokenizer tokenizer)
    {
        try
        {
            return tokenizer.Encode("\n") is [var id, ..] ? id : 0; // numbers have no line end
        }
        catch (InputException)
        {
            return 0; // a text of one line
        }
    }
}
