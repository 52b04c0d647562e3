namespace TrainGpt;

/// <summary>What <c>generate</c> is asked for.</summary>
/// <param name="Folder">The run's folder.</param>
/// <param name="Prompts">The texts to continue, none for a new line.</param>
/// <param name="Count">The continuations of each.</param>
/// <param name="Tokens">The most tokens of one.</param>
/// <param name="Sampling">How they are chosen.</param>
/// <param name="Stops">The texts that end one.</param>
/// <param name="Interactive">Whether prompts are read.</param>
/// <param name="Device">Where to compute.</param>
/// <param name="Threads">Computing threads.</param>
internal sealed record GenerateRequest(
    string Folder, string[] Prompts, int Count, int Tokens, Sampling Sampling, string[] Stops, bool Interactive, string Device, int Threads)
{
    private const int MostTexts = 1024;

    /// <summary>Refuses what is impossible.</summary>
    /// <exception cref="InputException">The message names the option.</exception>
    /// <exception cref="ArgumentException">The sampling is impossible.</exception>
    public void Check()
    {
        Sampling.Check();
        if (Tokens < 0) throw new InputException($"--tokens {Tokens} is negative; give 0 or more.");
        if (Count < 1 || (long)Count * Math.Max(Prompts.Length, 1) > MostTexts)
            throw new InputException($"--count {Count} is out of range; give at least 1, and at most {MostTexts} for all prompts together.");
        if (Interactive && Prompts.Length > 0) throw new InputException("--interactive reads its prompts from the standard input; leave --prompt out.");
        if (Stops.Any(string.IsNullOrEmpty)) throw new InputException("--stop is empty, which would end every text at once; give a text or leave it out.");
    }
}
