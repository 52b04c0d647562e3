using System.CommandLine;

namespace TrainGpt;

/// <summary><c>plan</c>: what a run would take, without its memory.</summary>
internal static class PlanCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("plan",
            "Says what memory a run of train would take, what other settings would, and when the most: the step is made on a device "
            + "that only counts, so that a model of any size can be planned on any machine. The options are those of train.");
        return CommandLine.Bind<PlanOptions>(command, given => Run(given, context));
    }

    private static void Run(Given given, CommandContext context)
    {
        var (options, shape) = TrainCommand.Asked(new PlanOptions(), given, context);
        options = options with { OwnRank = Neediest(options, shape) };
        var search = new PlanSearch(options, shape);
        var run = (options as PlanOptions)?.Fit is { } fit ? search.Within(Bytes(fit)) : search.Resolved();
        PlanText.Write(context.Output, run.Options, ModelChoice.Set(run.Options, shape), run.Plan);
        if (run == search.Asked) PlanText.WriteAlternatives(context.Output, search);
        else context.Output.WriteLine($"{Environment.NewLine}{run.Command(given)}");
    }

    /// <summary>The process with the most bytes of weights and state, where these are divided; else with the most windows.</summary>
    private static int Neediest(TrainOptions options, ModelConfig shape)
    {
        var bytes = StepPlan.Shards(options, ModelChoice.Set(options, shape))?.BytesOfRanks;
        return Enumerable.Range(0, options.Ranks).MaxBy(rank => bytes?[rank] ?? (options with { OwnRank = rank }).OwnBatch);
    }

    private static long Bytes(string text) => ByteSize.TryParse(text)
        ?? throw new InputException($"--fit {text}: give bytes, such as 4GiB or 512MiB; units are {ByteSize.UnitNames}.");
}
