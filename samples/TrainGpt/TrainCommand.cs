using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace TrainGpt;

/// <summary><c>train</c>: learns from text and writes a snapshot, a log and a sample of generated text.</summary>
internal static class TrainCommand
{
    private const int SampleTokens = 500;

    /// <summary>Gives a command the options of training and its action.</summary>
    public static Command Fill(Command command, CommandContext context) =>
        CommandLine.Bind<TrainOptions>(command, given => RunRanks.Run(context, (ranks, own) => Start(given, ranks, own)));

    private static void Start(Given given, RunRanks ranks, CommandContext context)
    {
        var options = Read(new TrainOptions { OwnRank = ranks.Rank, Ranks = ranks.Count }, given);
        if (options is { From: SnapshotChoice.Best, Resume: false })
            throw new InputException("--from best says where to go on; give --resume too, or leave it out.");
        if (ranks.IsFirst) FolderLock.CheckFree(options.Out);
        using var folder = new RunFolder(options.Out);
        if (options.Resume) Resume(given, options.From, folder, ranks, context);
        else StartAnew(given.Free(options), folder, ranks, context);
    }

    /// <summary>Settings over others: those of the configuration file, if one is named, then those of the command line.</summary>
    private static TrainOptions Read(TrainOptions start, Given given)
    {
        start = Declaration.Loosen(start);
        if (given.Over(start).Config is { } file) start = Declaration.Loosen(ConfigurationFile.Read(file).Over(start));
        return given.Over(start);
    }

    /// <summary>What a command line asks for, and the shape of its model, before the data is read for more than its vocabulary.</summary>
    public static (TrainOptions Options, ModelConfig Shape) Asked(TrainOptions start, Given given, CommandContext context)
    {
        var options = Read(start, given);
        if (options.Resume)
        {
            var (snapshot, shape, saved, _) = new RunFolder(options.Out).Open(context, options.From);
            snapshot.Dispose();
            options = Read(saved.Used(), given);
            return (options, ModelChoice.Set(options, shape));
        }

        options = given.Free(options);
        options.Check();
        using var pretrained = InitChoice.Open(options);
        if (pretrained is not null)
        {
            options = InitChoice.Over(options, pretrained);
            return (options, ModelChoice.Set(options, pretrained.Config));
        }

        return (options, ModelChoice.Config(options, Vocabulary(options, context)));
    }

    /// <summary>The size of the vocabulary: that of the data or the tokenizer, where one is named, else that of a published
    /// model.</summary>
    private static int Vocabulary(TrainOptions options, CommandContext context)
    {
        if (options.Vocabulary is { } size) return size;
        if (options.Data is null && TokenizerChoice.Open(options.Tokenizer) is { } tokenizer) return tokenizer.VocabularySize;
        if (options.Data is null && ModelNames.All.Contains(options.Model)) return ModelChoice.LeastVocabulary(options);
        using var corpus = Corpus.Open(options, context);
        return corpus.MakeTokenizer(options).VocabularySize;
    }

    private static void StartAnew(TrainOptions options, RunFolder folder, RunRanks ranks, CommandContext context)
    {
        options.Check();
        TokenizerChoice.CheckThere(options.Tokenizer);
        using var pretrained = InitChoice.Open(options);
        if (pretrained is not null) options = InitChoice.Over(options, pretrained);
        using var corpus = Corpus.Open(options, context);
        if (pretrained is null)
        {
            var tokenizer = corpus.MakeTokenizer(options);
            Run(options, ModelChoice.Config(options, tokenizer.VocabularySize), corpus, tokenizer, null, null, folder, ranks, context);
        }
        else
        {
            var tokenizer = InitChoice.Tokenizer(options, pretrained);
            Run(options, ModelChoice.Set(options, pretrained.Config), corpus, tokenizer, pretrained, null, folder, ranks, context);
        }
    }

    private static void Resume(Given given, SnapshotChoice from, RunFolder folder, RunRanks ranks, CommandContext context)
    {
        if (ranks.IsFirst && Directory.Exists(folder.Path)) folder.Own();
        ranks.Meet(); // the first has put the folder in order
        var (snapshot, shape, saved, tokenizer) = folder.Open(context, from);
        using (snapshot)
        {
            saved = (saved with { OwnRank = ranks.Rank, Ranks = ranks.Count }).Used();
            var options = Resumption.WithSameTokenizer(Read(saved, given), saved, tokenizer);
            Resumption.CheckSame(options, saved, given, snapshot.Path);
            options.Check();
            Trainer.CheckLeft(snapshot, options);
            using var pretrained = FineTuning.HasAdapters(options) ? InitChoice.Open(options) : null;
            using var corpus = Corpus.Open(options, context);
            Run(options, ModelChoice.Set(options, shape), corpus, tokenizer, pretrained, (snapshot, saved), folder, ranks, context);
        }
    }

    private static void Run(
        TrainOptions asked, ModelConfig shape, Corpus corpus, Tokenizer tokenizer, PretrainedModel? pretrained,
            (Snapshot File, TrainOptions Options)? saved, RunFolder folder, RunRanks ranks, CommandContext context)
    {
        asked = new PlanSearch(asked, shape).Resolved().Options;
        shape = ModelChoice.Set(asked, shape);
        var data = ranks.IsFirst ? corpus.Tokens(tokenizer) : null;
        ranks.Meet(); // the first has kept the ids, where they are kept
        data ??= corpus.Tokens(tokenizer);
        data.TrainBatches(asked.Batch, shape.Context, asked.Seed); // what is too short is refused before anything takes time
        var validation = EvaluationData.Of(data, corpus.ValidationName, shape.Context);
        string hash = DataHash.Of(data);
        DataHash.Check(asked, hash);
        using var device = Opened(asked);
        var options = (asked with { DataHash = hash, Vocabulary = tokenizer.VocabularySize, Device = device.Name.Split(' ')[0] }).Used();
        string memory = MemoryCheck.Run(options, shape, device);
        if (ranks.IsFirst) CheckWritable(options, folder, context.Stop);
        ranks.Agree(options, saved?.File.Step ?? 0);
        WorkingFile.Open(options, folder, device);
        StepPlan.Shards(options, shape)?.Use(device, ranks.Exchange!.Queue);
        using var model = FineTuning.Make(options, shape, device, pretrained);
        options = FineTuning.Checked(options, model);
        using var trainer = new Trainer(options, model, tokenizer, data, validation, folder, ranks, context);
        if (saved is { } s) trainer.Restore(s.File);
        ranks.AgreeOn(model);
        trainer.AgreeWithWorkers();
        foreach (string line in corpus.Summary) context.Output.WriteLine(line);
        Introduce(options, model, tokenizer, data, context.Output);
        if (saved is { } before) Resumption.Say(options, before.Options, trainer.Step, context.Output);
        if (ranks.Summary is { } processes) context.Output.WriteLine(processes);
        context.Output.WriteLine(trainer.Plan);
        context.Output.WriteLine(memory);
        if (device.Backend.IsAsynchronous)
            context.Output.WriteLine($"The first step compiles the kernels for {device.Name}, which takes some seconds.");
        if (saved is null && ranks.IsFirst) SetAside(folder, context);
        using var records = ranks.IsFirst ? new RunRecords(options, folder, trainer.Step, context) : null;
        using var watch = ranks.Watch(context.Stop, () => trainer.WayOn);
        var view = View(context, new RunClock(trainer.Step, options.Steps));
        trainer.Evaluating = view.Evaluating;
        view.Show(report => Run(trainer, ranks, records, report, context.Stop));
        if (trainer.HasLostPatience && trainer.Step < options.Steps)
            context.Output.WriteLine($"The validation loss was least at step {trainer.BestStep}, {options.Patience} measurements ago: "
                + "the run ends. --from best takes the snapshot of that step.");
        if (trainer.Step >= options.Steps || trainer.HasLostPatience)
            Finish(options with { Out = folder.Path }, trainer, tokenizer, ranks.Stop(context), context);
        else context.Output.WriteLine($"Stopped after step {trainer.Step} and saved to {folder.Path}; "
            + $"train --resume --out {folder.Path} goes on.");
        records?.Report(model, tokenizer, context.Stop);
    }

    private static Device Opened(TrainOptions asked)
    {
        var device = Device.Open(asked.Device, asked.Threads);
        try
        {
            device.Precision = asked.Precision;
            return device;
        }
        catch (NotSupportedException e)
        {
            device.Dispose();
            throw new InputException($"--precision: {e.Message}");
        }
    }

    /// <summary>Finds out about what cannot be written before anything is.</summary>
    private static void CheckWritable(TrainOptions options, RunFolder folder, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (options.Report is { } page) RunPage.CheckWritable(page);
        folder.Own();
        Files.CheckWritable(folder.Path);
        if (options.MemoryTimeline is { } drawing) RunPage.CheckWritable(drawing);
        if (options.Tensorboard is { } events) Files.CheckWritable(events);
    }

    private static void SetAside(RunFolder folder, CommandContext context)
    {
        if (folder.SetAside() is { } place)
            context.Output.WriteLine($"'{folder.Path}' held another run; its files are in '{place}' now.");
    }

    private static void Run(Trainer trainer, RunRanks ranks, RunRecords? records, Action<StepStatus> report, CancellationToken stop)
    {
        try
        {
            trainer.Run(records, report, stop);
        }
        catch (NonFiniteException e)
        {
            throw ranks.Agreed($"{e.Message.TrimEnd('.')}. {trainer.Advice}", e);
        }
        catch (DeviceLostException e)
        {
            throw new InputException($"{e.Message} {trainer.WayOn}", e);
        }
    }

    private static void Introduce(TrainOptions options, LanguageModel model, Tokenizer tokenizer, TokenStream data, TextWriter output)
    {
        var (config, size) = (model.Config, tokenizer.VocabularySize);
        var (unit, kinds) = tokenizer is CharTokenizer ? ("characters", $"{size} different ones") : ("tokens", $"a vocabulary of {size}");
        string own = options.Validation is null ? "" : Invariant(
            $"; validated on {Corpus.Name(options.Validation)}, {data.Validation.Count:N0} {unit}");
        long count = options.Validation is null ? data.Count : data.Train.Count;
        output.WriteLine(Invariant($"Data: {Corpus.Name(options.Data)}, {count:N0} {unit}{own}, {kinds}."));
        string name = ModelNames.All.Contains(options.Model) ? $"the shape of {options.Model}" : options.Model;
        output.WriteLine(
            Invariant($"Model: {name}, layers {config.Layers}, heads {config.Heads}, width {config.Width}, context {model.Context}; ")
            + Invariant($"{model.ParameterCount:N0} weights on {model.Device.Name}."));
        if (options.CheckpointBlocks.Policy.IsAny)
            output.WriteLine($"Backward runs blocks again, to keep less of them: --checkpoint-blocks {options.CheckpointBlocks}.");
        if (options is { IsEager: true, Clip: 0 })
            output.WriteLine("Mode eager: the global gradient norm is not clipped, as that needs all gradients at once.");
        if (options.WarmUp > options.Steps)
            output.WriteLine(Invariant($"The warm-up of {options.WarmUp:N0} steps is longer than the run: the learning rate gets up to ")
                + Invariant($"{options.Schedule().At(options.Steps):G3} instead of {options.LearningRate:G3}; --warm-up shortens it."));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static IProgressView View(CommandContext context, RunClock clock)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(context.Screen) });
        return context.IsLive && console.Profile.Capabilities.Ansi ? new ProgressView(console, clock)
            : new PlainProgress(context.Output, clock);
    }

    private static void Finish(
        TrainOptions options, Trainer trainer, Tokenizer tokenizer, CancellationToken stop, CommandContext context)
    {
        if (trainer.Evaluation is { } result) context.Output.WriteLine(result);
        context.Output.WriteLine($"Saved to {options.Out}.{(options.IsDivided ? "" : " A sample of what the model writes:")}");
        if (options.IsDivided) return; // each token would take all weights from all processes
        context.Output.WriteLine();
        TextGenerator.Write(context.Output,
            TextGenerator.Continue(trainer.Model, tokenizer, "", SampleTokens, new Sampling { Seed = options.Seed }), stop);
    }
}
