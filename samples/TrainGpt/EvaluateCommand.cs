using System.CommandLine;
using System.Globalization;

namespace TrainGpt;

/// <summary><c>evaluate</c>: the validation loss over all windows of the data to validate on.</summary>
internal static class EvaluateCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("evaluate", "Prints the validation loss over all windows of the data to validate on.");
        return CommandLine.Bind<EvaluateOptions>(command, given => Run(given.Over(new EvaluateOptions()), context));
    }

    /// <summary>The result as text.</summary>
    public static string Line(double loss) => string.Create(CultureInfo.InvariantCulture, $"validation loss {loss:F4}");

    private static void Run(EvaluateOptions options, CommandContext context)
    {
        using var trained = TrainedModel.Load(options, context);
        var (data, validation) = options.Data is { } own ? (own, null) : (trained.Options.Data, trained.Options.Validation);
        using var corpus = Corpus.Open(data, validation, context.Stop);
        var tokens = corpus.Tokens(trained.Tokenizer);
        context.Output.WriteLine(Line(new Evaluator(trained.Model, tokens, trained.Options.Batch).Full(context.Stop)));
    }
}
