using System.CommandLine;

namespace TrainGpt;

/// <summary><c>report</c>: the page about a run, at any time after its first snapshot.</summary>
internal static class ReportCommand
{
    public static Command Create(CommandContext context)
    {
        Option<string> folder = Arguments.Out("The folder that train wrote.");
        var page = Arguments.Path("--report", $"The page to write. [default: {RunFolder.PageName} in the folder]");
        Option<int> threads = Arguments.Threads();
        var command = new Command("report", "Writes a page about a run from its folder: curves, settings and samples, in one HTML file that needs no network.") { folder, page, threads };
        command.SetAction(parse => Run(parse.GetValue(folder)!, parse.GetValue(page), parse.GetValue(threads), context));
        return command;
    }

    private static void Run(string folder, string? page, int threads, CommandContext context)
    {
        page ??= Path.Combine(folder, RunFolder.PageName);
        using var trained = TrainedModel.Load(folder, TrainOptions.Cpu, threads, context);
        RunPage.Save(page, folder, trained.Options, new RunFolder(folder).ReadConfiguration(), trained.Model, trained.Tokenizer, context.Stop);
        context.Output.WriteLine($"Wrote {page}.");
    }
}
