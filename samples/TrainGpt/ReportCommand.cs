using System.CommandLine;

namespace TrainGpt;

/// <summary><c>report</c>: the page about a run, at any time after its first snapshot.</summary>
internal static class ReportCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command(
            "report", "Writes a page about a run from its folder: curves, settings and samples, in one HTML file that needs no network.");
        return CommandLine.Bind<ReportOptions>(command, given => Run(given.Over(new ReportOptions()), context));
    }

    private static void Run(ReportOptions options, CommandContext context)
    {
        string page = options.Report ?? Path.Combine(options.Out, RunFolder.PageName);
        using var trained = TrainedModel.Load(options, context);
        var settings = new RunFolder(options.Out).ReadConfiguration(trained.Options) with { Out = options.Out };
        RunPage.Save(page, settings, trained.Model, trained.Tokenizer, context.Stop);
        context.Output.WriteLine($"Wrote {page}.");
    }
}
