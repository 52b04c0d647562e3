using System.CommandLine;

namespace TrainGpt;

/// <summary>The command-line options of training. Those that are given replace what a record has; so a resumed run keeps the rest of its settings.</summary>
internal sealed class TrainArguments
{
    private static readonly TrainOptions Defaults = new();
    private readonly List<Setting> settings = [];
    private readonly Option<string?> file = Arguments.Path("--config", $"A JSON file that sets options by their names, as {RunFolder.ConfigurationName} beside a snapshot does; options of the command line come before it. [default: none]");
    private readonly Command command;

    /// <summary>Adds the options to a command.</summary>
    public TrainArguments(Command command)
    {
        this.command = command;
        AddModel();
        AddSteps();
        AddOptimizer();
        AddRun();
        command.Add(file);
    }

    /// <summary>An option: its name without dashes, its value in a record, and a record with the value of a command line, if it has one.</summary>
    private sealed record Setting(string Name, Func<TrainOptions, object?> Value, Func<ParseResult, TrainOptions, TrainOptions> Replace);

    /// <summary>The settings: <paramref name="start"/>, with those replaced that the configuration file gives, and over it the command line.</summary>
    /// <exception cref="InputException">The configuration file cannot be read, or sets what is no option.</exception>
    public TrainOptions Read(ParseResult parse, TrainOptions start)
    {
        if (parse.GetValue(file) is { } path) start = Replace(ParseFile(path), start);
        return Replace(parse, start);
    }

    /// <summary>All that decides what a run computes, as a configuration file.</summary>
    public string ToJson(TrainOptions options) => ConfigurationFile.Write(settings.Select(setting => (setting.Name, setting.Value(options))));

    private TrainOptions Replace(ParseResult parse, TrainOptions start) => settings.Aggregate(start, (options, setting) => setting.Replace(parse, options));

    /// <summary>Goes through the command line's own parser, so that a file can say what a command line can, and is refused for the same reasons.</summary>
    private ParseResult ParseFile(string path)
    {
        var parse = command.Parse(ConfigurationFile.Read(path, [.. settings.Select(setting => setting.Name)]));
        return parse.Errors.Count == 0 ? parse : throw new InputException($"{path}: {parse.Errors[0].Message}");
    }

    private void AddModel()
    {
        Add(Arguments.Data("the SDK's API documentation"), o => o.Data, (o, v) => o with { Data = v });
        Add(Arguments.Path("--validation", "What to validate on, like --data. [default: the last tenth of the data]", "FILE|FOLDER"), o => o.Validation, (o, v) => o with { Validation = v });
        Add(Arguments.Number<int>("--vocabulary", "The number of ids of a .bin file. [default: its largest id + 1]", null), o => o.Vocabulary, (o, v) => o with { Vocabulary = v });
        Add(Arguments.Path("--tokenizer", "A tokenizer's JSON file. [default: the characters of the data; for a .bin file its ids as numbers]"), o => o.Tokenizer, (o, v) => o with { Tokenizer = v });
        Choice("--model", "The kind of model, gpt or llama, whose shape the next options set; or a published model by its name.", Defaults.Model, ModelChoice.Names, o => o.Model, (o, v) => o with { Model = v });
        Number("--layers", "Transformer blocks.", "4", o => o.Layers, (o, v) => o with { Layers = v });
        Number("--heads", "Attention heads of each block.", "4", o => o.Heads, (o, v) => o with { Heads = v });
        Number("--kv-heads", "Key and value heads of a llama, a divisor of the heads.", "as many as --heads", o => o.KvHeads, (o, v) => o with { KvHeads = v });
        Number("--width", "The size of a token's vector, a multiple of the heads.", "128", o => o.Width, (o, v) => o with { Width = v });
        Number("--hidden", "The size inside the feed-forward part.", "4 widths; llama: 8/3 widths rounded up to a multiple of 32", o => o.Hidden, (o, v) => o with { Hidden = v });
        Add(new Option<bool>("--tied") { Description = "The head shares the token table. [default: gpt on, llama off; a named model its own]" }, o => o.Tied, (o, v) => o with { Tied = v });
        Number("--context", "Tokens the model sees at once.", "64", o => o.Context, (o, v) => o with { Context = v });
        Number("--dropout", "The part of activations that training sets to zero.", Defaults.Dropout, o => o.Dropout, (o, v) => o with { Dropout = v });
        Switch("--checkpoint-blocks", "Recomputes blocks in the backward pass: less memory, a third more time.", o => o.CheckpointBlocks, (o, v) => o with { CheckpointBlocks = v });
    }

    private void AddSteps()
    {
        Number("--batch", "Windows of text per micro-batch.", Defaults.Batch, o => o.Batch, (o, v) => o with { Batch = v });
        Number("--accumulate", "Micro-batches per step; their gradients add up.", Defaults.Accumulate, o => o.Accumulate, (o, v) => o with { Accumulate = v });
        Number("--steps", "Steps of training.", Defaults.Steps, o => o.Steps, (o, v) => o with { Steps = v });
        Add(Arguments.Number<double>("--learning-rate", $"The learning rate after the warm-up. [default: {OptimizerChoice.LearningRates}]", null), o => o.LearningRate, (o, v) => o with { LearningRate = v });
        Add(Arguments.Number<double>("--min-learning-rate", "The learning rate at the last step, reached along a cosine. [default: a tenth of --learning-rate]", null), o => o.MinLearningRate, (o, v) => o with { MinLearningRate = v });
        Number("--warm-up", "Steps in which the learning rate rises from zero.", Defaults.WarmUp, o => o.WarmUp, (o, v) => o with { WarmUp = v });
    }

    private void AddOptimizer()
    {
        Choice("--optimizer", "The update rule.", Defaults.Optimizer, OptimizerChoice.Names, o => o.Optimizer, (o, v) => o with { Optimizer = v });
        Choice("--mode", "When weights are stepped: eager, the moment a gradient is complete, which is then freed; or deferred, after the backward pass.", Defaults.Mode, [TrainOptions.Eager, TrainOptions.Deferred], o => o.Mode, (o, v) => o with { Mode = v });
        Add(Arguments.Number<double>("--beta1", "AdamW's decay of the mean gradient; sgd's momentum. [default: 0.9; the preset's]", null), o => o.Beta1, (o, v) => o with { Beta1 = v });
        Add(Arguments.Number<double>("--beta2", "AdamW's decay of the mean squared gradient. [default: 0.99; the preset's]", null), o => o.Beta2, (o, v) => o with { Beta2 = v });
        Add(Arguments.Number<double>("--weight-decay", "Weight decay of matrices and tables; gains have none. [default: 0.1; the preset's]", null), o => o.WeightDecay, (o, v) => o with { WeightDecay = v });
        Add(new Option<string?>("--preset") { Description = "A published form of the optimizer, such as muon's moonlight; a wrong name lists them. [default: Mayfly's own]", HelpName = "NAME" }, o => o.Preset, (o, v) => o with { Preset = v });
        Add(new Option<string?>("--rank") { Description = "The rank of apollo's and galore's projection: a number, sqrt or auto. [default: auto]", HelpName = "N|sqrt|auto" }, o => o.Rank, (o, v) => o with { Rank = v });
        Add(Arguments.Number<double>("--alpha", "The scale of apollo's and galore's update. [default: the optimizer's own]", null), o => o.Alpha, (o, v) => o with { Alpha = v });
        Add(Arguments.Number<long>("--refresh", "Steps between projections of apollo and galore; 0 for never. [default: 200; with --preset julia 100]", null), o => o.Refresh, (o, v) => o with { Refresh = v });
        Add(Arguments.Number<double>("--clip", "The largest norm of all gradients together; 0 does not clip. [default: 1; with --mode eager and no --clip-mode: 0]", null), o => o.Clip, (o, v) => o with { Clip = v });
        Add(new Option<string?>("--clip-mode") { Description = "How --clip works while stepping eagerly: two-pass (exact, twice the time), previous (by the norm of the step before) or per-tensor. [default: after the sweep, in deferred mode]", HelpName = "MODE" }.AcceptOnlyFromAmong(TrainOptions.TwoPass, TrainOptions.Previous, TrainOptions.PerTensor), o => o.ClipMode, (o, v) => o with { ClipMode = v });
        Add(Arguments.Number<double>("--clip-value", "The largest magnitude of a gradient's element. [default: no limit]", null), o => o.ClipValue, (o, v) => o with { ClipValue = v });
        Add(Arguments.Number<double>("--norm-cap", "The most by which a gradient's norm may grow in a step, such as 1.01. [default: no limit]", null), o => o.NormCap, (o, v) => o with { NormCap = v });
    }

    private void AddRun()
    {
        Number("--evaluate-every", "Steps between estimates of the validation loss.", Defaults.EvaluateEvery, o => o.EvaluateEvery, (o, v) => o with { EvaluateEvery = v });
        Number("--save-every", "Steps between snapshots, of which the last two are kept; 0 saves with each estimate of the validation loss.", Defaults.SaveEvery, o => o.SaveEvery, (o, v) => o with { SaveEvery = v });
        Number("--seed", "The seed of initial weights, batches and dropout.", Defaults.Seed, o => o.Seed, (o, v) => o with { Seed = v });
        Add(Arguments.Device(), o => o.Device, (o, v) => o with { Device = v });
        Add(Arguments.Threads(), o => o.Threads, (o, v) => o with { Threads = v });
        Add(Arguments.Number<int>("--read-every", "Steps between readings of the loss, for which a GPU has to be waited for; the log has only these. [default: 1 on the cpu, 10 elsewhere]", null), o => o.ReadEvery, (o, v) => o with { ReadEvery = v });
        Add(Arguments.Out("The folder to write to."), o => o.Out, (o, v) => o with { Out = v });
        Add(Arguments.Path("--report", "A page to write at the end: curves, settings and a sample, in one HTML file that needs no network. [default: none]"), o => o.Report, (o, v) => o with { Report = v });
        Add(Arguments.Path("--tensorboard", "A folder for event files that TensorBoard shows. [default: none]", "FOLDER"), o => o.TensorBoard, (o, v) => o with { TensorBoard = v });
        Switch("--resume", "Goes on from the snapshot in the folder, with the settings it was made with unless options say otherwise.", o => o.Resume, (o, v) => o with { Resume = v });
    }

    private void Number<T>(string name, string description, T standard, Func<TrainOptions, object?> value, Func<TrainOptions, T, TrainOptions> replace) where T : struct, IParsable<T> =>
        Add(Arguments.Number<T>(name, description, standard), value, replace);

    /// <summary>A number of the model's shape.</summary>
    private void Number(string name, string description, string standard, Func<TrainOptions, object?> value, Func<TrainOptions, int, TrainOptions> replace) =>
        Add(Arguments.Number<int>(name, $"{description} [default: {standard}; a named model its own]", null), value, replace);

    private void Choice(string name, string description, string standard, string[] values, Func<TrainOptions, object?> value, Func<TrainOptions, string, TrainOptions> replace)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => standard };
        Add(option.AcceptOnlyFromAmong(values), value, replace);
    }

    private void Switch(string name, string description, Func<TrainOptions, object?> value, Func<TrainOptions, bool, TrainOptions> replace) =>
        Add(new Option<bool>(name) { Description = $"{description} [default: off]" }, value, replace);

    private void Add<T>(Option<T> option, Func<TrainOptions, object?> value, Func<TrainOptions, T, TrainOptions> replace)
    {
        command.Add(option);
        settings.Add(new Setting(option.Name[2..], value, (parse, options) => parse.GetResult(option) is { Implicit: false } ? replace(options, parse.GetValue(option)!) : options));
    }
}
