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
        // a page can be made of a run that goes on, whose folder is not free; otherwise no run begins under it
        using var owner = options.Report is null && Directory.Exists(options.Out) ? FolderLock.TryTake(options.Out) : null;
        using var trained = TrainedModel.Load(options, context);
        using var folder = new RunFolder(options.Out);
        var settings = folder.ReadConfiguration(trained.Options) with { Out = options.Out };
        RunPage.Save(page, settings, trained.Model, trained.Tokenizer, context.Stop);
        context.Output.WriteLine($"Wrote {page}.");
    }
}
