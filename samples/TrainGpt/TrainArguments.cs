using System.CommandLine;

namespace TrainGpt;

/// <summary>The command-line options of training. Those that are given replace what a record has; so a resumed run keeps the rest of its settings.</summary>
internal sealed class TrainArguments
{
    private static readonly TrainOptions Defaults = new();
    private readonly List<Func<ParseResult, TrainOptions, TrainOptions>> replacements = [];
    private readonly Command command;

    /// <summary>Adds the options to a command.</summary>
    public TrainArguments(Command command)
    {
        this.command = command;
        AddModel();
        AddSteps();
        AddOptimizer();
        AddRun();
    }

    /// <summary>The settings: <paramref name="start"/>, with those replaced that the command line gives.</summary>
    public TrainOptions Read(ParseResult parse, TrainOptions start) => replacements.Aggregate(start, (options, replace) => replace(parse, options));

    private void AddModel()
    {
        Add(Arguments.Data("the SDK's API documentation"), (o, v) => o with { Data = v });
        Number("--layers", "Transformer blocks.", Defaults.Layers, (o, v) => o with { Layers = v });
        Number("--heads", "Attention heads of each block.", Defaults.Heads, (o, v) => o with { Heads = v });
        Number("--width", "The size of a token's vector, a multiple of the heads.", Defaults.Width, (o, v) => o with { Width = v });
        Number("--context", "Tokens the model sees at once.", Defaults.Context, (o, v) => o with { Context = v });
        Number("--dropout", "The part of activations that training sets to zero.", Defaults.Dropout, (o, v) => o with { Dropout = v });
        Switch("--checkpoint-blocks", "Recomputes blocks in the backward pass: less memory, a third more time.", (o, v) => o with { CheckpointBlocks = v });
    }

    private void AddSteps()
    {
        Number("--batch", "Windows of text per micro-batch.", Defaults.Batch, (o, v) => o with { Batch = v });
        Number("--accumulate", "Micro-batches per step; their gradients add up.", Defaults.Accumulate, (o, v) => o with { Accumulate = v });
        Number("--steps", "Steps of training.", Defaults.Steps, (o, v) => o with { Steps = v });
        Number("--learning-rate", "The learning rate after the warm-up.", Defaults.LearningRate, (o, v) => o with { LearningRate = v });
        Number("--min-learning-rate", "The learning rate at the last step, reached along a cosine.", Defaults.MinLearningRate, (o, v) => o with { MinLearningRate = v });
        Number("--warm-up", "Steps in which the learning rate rises from zero.", Defaults.WarmUp, (o, v) => o with { WarmUp = v });
    }

    private void AddOptimizer()
    {
        Choice("--optimizer", "The update rule.", Defaults.Optimizer, [TrainOptions.AdamW, TrainOptions.Sgd], (o, v) => o with { Optimizer = v });
        Choice("--mode", "When weights are stepped: eager, the moment a gradient is complete, which is then freed; or deferred, after the backward pass.", Defaults.Mode, [TrainOptions.Eager, TrainOptions.Deferred], (o, v) => o with { Mode = v });
        Number("--beta1", "AdamW's decay of the mean gradient; SGD's momentum.", Defaults.Beta1, (o, v) => o with { Beta1 = v });
        Number("--beta2", "AdamW's decay of the mean squared gradient.", Defaults.Beta2, (o, v) => o with { Beta2 = v });
        Number("--weight-decay", "Weight decay of matrices and tables; gains have none.", Defaults.WeightDecay, (o, v) => o with { WeightDecay = v });
        Add(Arguments.Number<double>("--clip", "The largest norm of all gradients together; 0 does not clip. [default: 1; with --mode eager: 0]", null), (o, v) => o with { Clip = v });
    }

    private void AddRun()
    {
        Number("--evaluate-every", "Steps between estimates of the validation loss.", Defaults.EvaluateEvery, (o, v) => o with { EvaluateEvery = v });
        Number("--save-every", "Steps between snapshots, of which the last two are kept; 0 saves with each estimate of the validation loss.", Defaults.SaveEvery, (o, v) => o with { SaveEvery = v });
        Number("--seed", "The seed of initial weights, batches and dropout.", Defaults.Seed, (o, v) => o with { Seed = v });
        Add(Arguments.Threads(), (o, v) => o with { Threads = v });
        Add(Arguments.Out("The folder to write to."), (o, v) => o with { Out = v });
        Switch("--resume", "Goes on from the snapshot in the folder, with the settings it was made with unless options say otherwise.", (o, v) => o with { Resume = v });
    }

    private void Number<T>(string name, string description, T standard, Func<TrainOptions, T, TrainOptions> replace) where T : struct, IParsable<T> =>
        Add(Arguments.Number<T>(name, description, standard), replace);

    private void Choice(string name, string description, string standard, string[] values, Func<TrainOptions, string, TrainOptions> replace)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => standard };
        Add(option.AcceptOnlyFromAmong(values), replace);
    }

    private void Switch(string name, string description, Func<TrainOptions, bool, TrainOptions> replace) => Add(new Option<bool>(name) { Description = description }, replace);

    private void Add<T>(Option<T> option, Func<TrainOptions, T, TrainOptions> replace)
    {
        command.Add(option);
        replacements.Add((parse, options) => parse.GetResult(option) is { Implicit: false } ? replace(options, parse.GetValue(option)!) : options);
    }
}
