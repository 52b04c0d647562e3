using System.CommandLine;

namespace TrainGpt;

/// <summary><c>generate</c>: continues a prompt.</summary>
internal static class GenerateCommand
{
    private const int DefaultTokens = 500;
    private static readonly Sampling Defaults = new();

    public static Command Create(CommandContext context)
    {
        Option<string> folder = Arguments.Out("The folder that train wrote.");
        var prompt = new Option<string?>("--prompt") { Description = "The text to continue. [default: a new line]", HelpName = "TEXT" };
        Option<int> count = Arguments.Number<int>("--tokens", "How many to add.", DefaultTokens);
        Option<double> temperature = Arguments.Number<double>("--temperature", "How far to stray from the best token; 0 always takes it.", Defaults.Temperature);
        Option<int> topK = Arguments.Number<int>("--top-k", "Draws among this many of the best tokens; 0 for all.", Defaults.TopK);
        Option<ulong> seed = Arguments.Number<ulong>("--seed", "The seed of the draws.", Defaults.Seed);
        Option<int> threads = Arguments.Threads();
        var command = new Command("generate", "Continues a prompt with a trained model.") { folder, prompt, count, temperature, topK, seed, threads };
        command.SetAction(parse =>
        {
            var sampling = new Sampling { Temperature = parse.GetValue(temperature), TopK = parse.GetValue(topK), Seed = parse.GetValue(seed) };
            Run(parse.GetValue(folder)!, parse.GetValue(prompt) ?? "", parse.GetValue(count), sampling, parse.GetValue(threads), context);
        });
        return command;
    }

    private static void Run(string folder, string prompt, int count, Sampling sampling, int threads, CommandContext context)
    {
        sampling.Check();
        if (count < 0) throw new InputException($"--tokens {count} is negative; give 0 or more.");
        using var trained = TrainedModel.Load(folder, threads, context);
        var pieces = TextGenerator.Continue(trained.Model, trained.Tokenizer, prompt, count, sampling);
        context.Output.Write(prompt);
        TextGenerator.Write(context.Output, pieces, context.Stop);
    }
}
