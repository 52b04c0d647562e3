using System.CommandLine;
using System.Globalization;

namespace TrainGpt;

/// <summary><c>evaluate</c>: loss, perplexity and bits per byte over data to validate on.</summary>
internal static class EvaluateCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("evaluate",
            "Prints loss, perplexity and bits per byte over what the run validates on, or over data of its own as a whole.");
        return CommandLine.Bind<EvaluateOptions>(command, given => Run(given.Over(new EvaluateOptions()), context));
    }

    private static void Run(EvaluateOptions options, CommandContext context)
    {
        if (options is { Init: not null, Data: null })
            throw new InputException("--init names a model that was trained elsewhere; give what to measure on by --data.");
        if (options is { Init: null, Tokenizer: not null }) throw new InputException("--tokenizer is for --init; a run has its own.");
        Corpus? corpus = null;
        EvaluationData? data = null;
        try
        {
            using var trained = TrainedModel.Load(options, context, (shape, settings, tokenizer) =>
                data = Data(corpus = Open(options, settings, context), options, shape, tokenizer));
            context.Output.WriteLine(Measure(trained, data!, options, context));
        }
        finally
        {
            corpus?.Dispose();
        }
    }

    private static Evaluation Measure(TrainedModel trained, EvaluationData data, EvaluateOptions options, CommandContext context)
    {
        var evaluator = new Evaluator(trained.Model, trained.Tokenizer, data, trained.Options.Batch);
        var result = evaluator.Measure(options.Tokens, EvaluationLine.To(context), context.Stop);
        return double.IsFinite(result.Loss) ? result : throw new InputException(NotFinite(result.Loss, options.Out, trained.Model));
    }

    private static Corpus Open(EvaluateOptions options, TrainOptions settings, CommandContext context)
    {
        settings = settings with { Out = options.Out, Threads = options.Threads };
        return options.Data is { } own ? Corpus.OpenWhole(own, settings, context) : Corpus.Open(settings, context);
    }

    private static EvaluationData Data(Corpus corpus, EvaluateOptions options, ModelConfig shape, Tokenizer tokenizer)
    {
        int length = options.Context ?? shape.Context;
        if (length > shape.Context)
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"--context {length} is more than the model's, {shape.Context}."));
        if (options.Unscored >= length)
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"--unscored {options.Unscored} leaves nothing of a window of {length} tokens to measure."));
        return EvaluationData.Of(corpus.Tokens(tokenizer), corpus.ValidationName, length, options.Unscored);
    }

    private static string NotFinite(double loss, string folder, LanguageModel model)
    {
        var broken = model.Parameters().FirstOrDefault(parameter => !double.IsFinite(parameter.Value.SumSquares()));
        string cause = broken is null ? "its weights are finite, but too large" : $"its weight {broken.Name} is not finite";
        return string.Create(CultureInfo.InvariantCulture,
            $"The validation loss is {loss}: the model in '{folder}' cannot be used, {cause}; go back to a snapshot from before.");
    }
}
