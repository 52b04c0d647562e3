namespace TrainGpt;

/// <summary>Continues a text, piece by piece.</summary>
internal static class TextGenerator
{
    /// <summary>The pieces of text after <paramref name="prompt"/>; an empty one stands for a new line.</summary>
    /// <exception cref="InputException">The prompt has a character the vocabulary lacks.</exception>
    public static IEnumerable<string> Continue(Gpt model, Tokenizer tokenizer, string prompt, int count, Sampling sampling)
    {
        int[] start = prompt.Length > 0 ? tokenizer.Encode(prompt) : [FirstId(tokenizer)];
        return model.Generate(start, count, sampling).Select(id => tokenizer.Decode([id]));
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
