using System.CommandLine;

namespace TrainGpt;

/// <summary>The command-line options of <c>generate</c>.</summary>
internal sealed class GenerateArguments
{
    private const int DefaultTokens = 500;
    private static readonly Sampling Defaults = new();
    private readonly Option<string> folder = Arguments.Out("The folder that train wrote.");
    private readonly Option<string[]> prompts = new("--prompt") { Description = "A text to continue; given several times all are continued together. [default: a new line]", HelpName = "TEXT" };
    private readonly Option<int> count = Arguments.Number<int>("--count", "Continuations of each prompt.", 1);
    private readonly Option<int> tokens = Arguments.Number<int>("--tokens", "How many to add at most.", DefaultTokens);
    private readonly Option<double> temperature = Arguments.Number<double>("--temperature", "How far to stray from the best token; 0 always takes it.", Defaults.Temperature);
    private readonly Option<int> topK = Arguments.Number<int>("--top-k", "Draws among this many of the best tokens; 0 for all.", Defaults.TopK);
    private readonly Option<double> topP = Arguments.Number<double>("--top-p", "Draws among the fewest best tokens whose probabilities sum to this; 1 for all.", Defaults.TopP);
    private readonly Option<double> minP = Arguments.Number<double>("--min-p", "Draws among tokens at least this part as probable as the best one; 0 for all.", Defaults.MinP);
    private readonly Option<double> penalty = Arguments.Number<double>("--repetition-penalty", "Makes tokens that the text has already less likely, where above 1.", Defaults.RepetitionPenalty);
    private readonly Option<string[]> stops = new("--stop") { Description = "A text that ends the continuation and is left out; can be given several times. [default: none]", HelpName = "TEXT" };
    private readonly Option<ulong> seed = Arguments.Number<ulong>("--seed", "The seed of the draws.", Defaults.Seed);
    private readonly Option<bool> interactive = new("--interactive") { Description = $"Reads prompts line by line and continues each; an empty line, {PromptLoop.Quit} or the end of the input ends it, and Ctrl+C ends a continuation. [default: off]" };
    private readonly Option<string> device = Arguments.Device();
    private readonly Option<int> threads = Arguments.Threads();

    /// <summary>Adds the options to a command.</summary>
    public GenerateArguments(Command command)
    {
        foreach (Option option in (Option[])[folder, prompts, count, tokens, temperature, topK, topP, minP, penalty, stops, seed, interactive, device, threads])
            command.Add(option);
    }

    /// <summary>What a command line asks for.</summary>
    public GenerateRequest Read(ParseResult parse) => new(
        parse.GetValue(folder)!, parse.GetValue(prompts) ?? [], parse.GetValue(count), parse.GetValue(tokens), ReadSampling(parse),
        parse.GetValue(stops) ?? [], parse.GetValue(interactive), parse.GetValue(device)!, parse.GetValue(threads));

    private Sampling ReadSampling(ParseResult parse) => new()
    {
        Temperature = parse.GetValue(temperature),
        TopK = parse.GetValue(topK),
        TopP = parse.GetValue(topP),
        MinP = parse.GetValue(minP),
        RepetitionPenalty = parse.GetValue(penalty),
        Seed = parse.GetValue(seed),
    };
}
