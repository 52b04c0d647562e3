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
        using var corpus = Corpus.Open(options.Data, options.Validation, context.Stop);
        var tokenizer = corpus.MakeTokenizer(options);
        options = ModelChoice.Complete(options);
        Run(options, ModelChoice.Config(options, tokenizer.VocabularySize), toJson(options), tokenizer, corpus.Tokens(tokenizer), null, context);
    }

    private static void Resume(RunFolder folder, Func<TrainOptions, TrainOptions> overSaved, Func<TrainOptions, string> toJson, CommandContext context)
    {
        var (snapshot, configuration, tokenizer) = folder.Open(context);
        using (snapshot)
        {
            var options = overSaved(configuration.Options);
            CheckSame(options, configuration.Options, snapshot.Path);
            options.Check();
            var model = configuration.Model with { Dropout = (float)options.Dropout, CheckpointBlocks = options.CheckpointBlocks };
            using var corpus = Corpus.Open(options.Data, options.Validation, context.Stop);
            Run(options, model, toJson(options), tokenizer, corpus.Tokens(tokenizer), snapshot, context);
        }
    }

    private static void CheckSame(TrainOptions options, TrainOptions saved, string file)
    {
        (string Option, object? Asked, object? Saved)[] settings =
        [
            ("--model", options.Model, saved.Model), ("--layers", options.Layers, saved.Layers), ("--heads", options.Heads, saved.Heads),
            ("--kv-heads", options.KvHeads, saved.KvHeads), ("--width", options.Width, saved.Width), ("--hidden", options.Hidden, saved.Hidden),
            ("--tied", options.Tied, saved.Tied), ("--context", options.Context, saved.Context), ("--optimizer", options.Optimizer, saved.Optimizer),
        ];
        foreach (var (option, asked, has) in settings)
            if (!Equals(asked, has)) throw new InputException($"{option} {asked} does not fit {file}, which has {has ?? "the usual one"}; leave the option out to go on, or train anew in another --out.");
    }

    private static void Run(TrainOptions options, ModelConfig shape, string configuration, Tokenizer tokenizer, TokenStream data, Snapshot? snapshot, CommandContext context)
    {
        using var device = Device.Open(options.Device, options.Threads);
        using var model = ModelChoice.Create(shape, device, options.Seed);
        using var trainer = new Trainer(options, model, tokenizer, data, configuration);
        if (snapshot is not null) trainer.Restore(snapshot);
        Introduce(options, model, tokenizer, data, trainer.Step, context.Output);
        context.Output.WriteLine(trainer.Plan);
        CheckWritable(options, context.Stop);
        using var records = new RunRecords(options, configuration, trainer.Step);
        if (snapshot is null) SetAside(options.Out, context);
        StepStatus? last = null;
        View(context, new RunClock(trainer.Step, options.Steps)).Show(report => Run(trainer, options, status => report(last = records.Add(status)), context.Stop));
        if (trainer.Step < options.Steps) context.Output.WriteLine($"Stopped after step {trainer.Step} and saved to {options.Out}; train --resume --out {options.Out} goes on.");
        else Finish(options, model, tokenizer, last, context);
        records.Report(model, tokenizer, context.Stop);
    }

    /// <summary>Finds out about what cannot be written before anything is.</summary>
    private static void CheckWritable(TrainOptions options, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (options.Report is { } page) RunPage.CheckWritable(page);
        new RunFolder(options.Out).CheckWritable();
    }

    private static void SetAside(string folder, CommandContext context)
    {
        if (new RunFolder(folder).SetAside() is { } place)
            context.Output.WriteLine($"'{folder}' held another run; its files are in '{place}' now.");
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

    private static void Introduce(TrainOptions options, LanguageModel model, Tokenizer tokenizer, TokenStream data, long step, TextWriter output)
    {
        string unit = tokenizer is CharTokenizer ? "characters" : "tokens", vocabulary = tokenizer is CharTokenizer ? $"{tokenizer.VocabularySize} different ones" : $"a vocabulary of {tokenizer.VocabularySize}";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Data: {Corpus.Name(options.Data)}, {data.Count:N0} {unit}, {vocabulary}."));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Model: {options.Model}, layers {model.Config.Layers}, heads {model.Config.Heads}, width {model.Config.Width}, context {model.Context}; {model.ParameterCount:N0} weights on {model.Device.Name}."));
        if (options is { IsEager: true, Clip: null }) output.WriteLine("Mode eager: the global gradient norm is not clipped, as that needs all gradients at once.");
        if (step > 0) output.WriteLine($"Goes on after step {step}.");
    }

    private static IProgressView View(CommandContext context, RunClock clock)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(context.Output) });
        return context.IsLive && console.Profile.Capabilities.Ansi ? new ProgressView(console, clock) : new PlainProgress(context.Output, clock);
    }

    private static void Finish(TrainOptions options, LanguageModel model, Tokenizer tokenizer, StepStatus? last, CommandContext context)
    {
        if (last?.ValidationLoss is { } loss) context.Output.WriteLine(EvaluateCommand.Line(loss));
        context.Output.WriteLine($"Saved to {options.Out}. A sample of what the model writes:");
        context.Output.WriteLine();
        TextGenerator.Write(context.Output, TextGenerator.Continue(model, tokenizer, "", SampleTokens, new Sampling { Seed = options.Seed }), context.Stop);
    }
}
