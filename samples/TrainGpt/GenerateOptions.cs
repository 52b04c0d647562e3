namespace TrainGpt;

/// <summary>The options of <c>generate</c>.</summary>
internal sealed record GenerateOptions : SamplingOptions
{
    private const int MostTexts = 1024;

    [Setting("A text to continue; given several times all are continued together.", Otherwise = "a new line")]
    public string[] Prompt { get; init; } = [];

    [Setting("Continuations of each prompt.", Min = 1, Max = MostTexts)]
    public int Count { get; init; } = 1;

    [Setting("How many to add at most.", Min = 0)]
    public int Tokens { get; init; } = 500;

    [Setting("Draws among tokens at least this part as probable as the best one; 0 for all.", Min = 0, Max = 1)]
    public double MinP { get; init; } = Usual.MinP;

    [Setting("Makes tokens that the text has already less likely, where above 1; more likely, where below.", Min = 1e-30, Max = 1e30)]
    public double RepetitionPenalty { get; init; } = Usual.RepetitionPenalty;

    [Setting("A text that ends the continuation and is left out; can be given several times.")]
    public string[] Stop { get; init; } = [];

    [Setting($"Reads prompts line by line and continues each; an empty line, {PromptLoop.Quit} or the end of the input ends it, "
        + "and Ctrl+C ends a continuation.")]
    public bool Interactive { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public Sampling Sampling => new()
    {
        Temperature = Temperature,
        TopK = TopK,
        TopP = TopP,
        MinP = MinP,
        RepetitionPenalty = RepetitionPenalty,
        Seed = Seed,
    };

    /// <summary>Refuses what does not fit together.</summary>
    /// <exception cref="InputException">The message names the option.</exception>
    public void Check()
    {
        if ((long)Count * Math.Max(Prompt.Length, 1) > MostTexts)
            throw new InputException($"--count {Count} is out of range; give at most {MostTexts} for all prompts together.");
        if (Interactive && Prompt.Length > 0) throw new InputException(
            "--interactive reads its prompts from the standard input; leave --prompt out.");
        if (Init is null && Tokenizer is not null) throw new InputException("--tokenizer is for --init; a run has its own.");
        if (Stop.Any(string.IsNullOrEmpty)) throw new InputException(
            "--stop is empty, which would end every text at once; give a text or leave it out.");
    }
}
