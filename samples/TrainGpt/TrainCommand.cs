using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace TrainGpt;

/// <summary><c>train</c>: learns from text and writes a snapshot, a log and a sample of generated text.</summary>
internal static class TrainCommand
{
    private const int SampleTokens = 500;

    /// <summary>Gives a command the options of training and its action.</summary>
    public static Command Fill(Command command, CommandContext context)
    {
        var arguments = new TrainArguments(command);
        command.SetAction(parse => Start(arguments, parse, context));
        return command;
    }

    private static void Start(TrainArguments arguments, ParseResult parse, CommandContext context)
    {
        var options = arguments.Read(parse, new TrainOptions());
        if (options.Resume) Resume(new RunFolder(options.Out), saved => arguments.Read(parse, saved), arguments.ToJson, context);
        else StartAnew(options, arguments.ToJson, context);
    }

    private static void StartAnew(TrainOptions options, Func<TrainOptions, string> toJson, CommandContext context)
    {
        options.Check();
        if (new RunFolder(options.Out).HasSnapshot)
            context.Output.WriteLine($"'{options.Out}' holds the snapshot of another run: the first of this run replaces it, the second drops it. With --resume that run goes on.");
        using var corpus = Corpus.Open(options.Data, options.Validation, context.Stop);
        var tokenizer = corpus.MakeTokenizer(options);
        Run(options, toJson(options), tokenizer, corpus.Tokens(tokenizer), null, context);
    }

    private static void Resume(RunFolder folder, Func<TrainOptions, TrainOptions> overSaved, Func<TrainOptions, string> toJson, CommandContext context)
    {
        var (snapshot, configuration, tokenizer) = folder.Open(context);
        using (snapshot)
        {
            var options = overSaved(configuration.Options);
            options.Check();
            CheckSame(options, configuration, snapshot.Path);
            using var corpus = Corpus.Open(options.Data, options.Validation, context.Stop);
            Run(options, toJson(options), tokenizer, corpus.Tokens(tokenizer), snapshot, context);
        }
    }

    private static void CheckSame(TrainOptions options, RunConfiguration saved, string file)
    {
        (string Option, object Asked, object Saved)[] settings =
        [
            ("--layers", options.Layers, saved.Model.Layers), ("--heads", options.Heads, saved.Model.Heads), ("--width", options.Width, saved.Model.Width),
            ("--context", options.Context, saved.Model.Context), ("--optimizer", options.Optimizer, saved.Options.Optimizer),
        ];
        foreach (var (option, asked, has) in settings)
            if (!asked.Equals(has)) throw new InputException($"{option} {asked} does not fit {file}, which has {has}; leave the option out to go on, or train anew in another --out.");
    }

    private static void Run(TrainOptions options, string configuration, Tokenizer tokenizer, TokenStream data, Snapshot? snapshot, CommandContext context)
    {
        using var device = Device.CreateCpu(options.Threads);
        using var model = new Gpt(options.Model(tokenizer.VocabularySize), device, options.Seed);
        using var trainer = new Trainer(options, model, tokenizer, data, configuration);
        if (snapshot is not null) trainer.Restore(snapshot);
        Introduce(options, model, tokenizer, data, trainer.Step, context.Output);
        using var records = new RunRecords(options, configuration, trainer.Step);
        StepStatus? last = null;
        View(context, new RunClock(trainer.Step, options.Steps)).Show(report => Run(trainer, options, status => report(last = records.Add(status)), context.Stop));
        if (trainer.Step < options.Steps) context.Output.WriteLine($"Stopped after step {trainer.Step} and saved to {options.Out}; train --resume --out {options.Out} goes on.");
        else Finish(options, model, tokenizer, last, context);
        records.Report(model, tokenizer);
    }

    private static void Run(Trainer trainer, TrainOptions options, Action<StepStatus> report, CancellationToken stop)
    {
        try
        {
            trainer.Run(report, stop);
        }
        catch (NonFiniteException e)
        {
            string advice = trainer.HasSaved
                ? $"The last snapshot in '{options.Out}' is whole: go on from it by --resume with a lower --learning-rate."
                : "Nothing was saved yet: train anew with a lower --learning-rate.";
            throw new InputException($"{e.Message} {advice}", e);
        }
    }

    private static void Introduce(TrainOptions options, Gpt model, Tokenizer tokenizer, TokenStream data, long step, TextWriter output)
    {
        string unit = tokenizer is CharTokenizer ? "characters" : "tokens", vocabulary = tokenizer is CharTokenizer ? $"{tokenizer.VocabularySize} different ones" : $"a vocabulary of {tokenizer.VocabularySize}";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Data: {Corpus.Name(options.Data)}, {data.Count:N0} {unit}, {vocabulary}."));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Model: layers {options.Layers}, heads {options.Heads}, width {options.Width}, context {options.Context}; {model.ParameterCount:N0} weights on {model.Device.Name}."));
        if (options is { IsEager: true, Clip: null }) output.WriteLine("Mode eager: the global gradient norm is not clipped, as that needs all gradients at once.");
        if (step > 0) output.WriteLine($"Goes on after step {step}.");
    }

    private static IProgressView View(CommandContext context, RunClock clock)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(context.Output) });
        return context.IsLive && console.Profile.Capabilities.Ansi ? new ProgressView(console, clock) : new PlainProgress(context.Output, clock);
    }

    private static void Finish(TrainOptions options, Gpt model, Tokenizer tokenizer, StepStatus? last, CommandContext context)
    {
        if (last?.ValidationLoss is { } loss) context.Output.WriteLine(EvaluateCommand.Line(loss));
        context.Output.WriteLine($"Saved to {options.Out}. A sample of what the model writes:");
        context.Output.WriteLine();
        TextGenerator.Write(context.Output, TextGenerator.Continue(model, tokenizer, "", SampleTokens, new Sampling { Seed = options.Seed }), context.Stop);
    }
}
