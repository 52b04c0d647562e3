using System.Xml.Linq;

namespace Mayfly.Tests;

/// <summary>What training records where it is asked to.</summary>
public class TrainGptRecordsTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Fact]
    public void Writes_a_page_and_event_files()
    {
        string page = run.File("run.html"), events = run.File("events");
        TrainGptRun.Good(
            "train", "--data", run.Data, "--out", run.File("recorded"), "--layers", "1", "--heads", "2", "--width", "16", "--context", "16",
                "--batch", "2", "--steps", "4",
            "--evaluate-every", "2", "--report", page, "--tensorboard", events);
        string text = File.ReadAllText(page);
        Assert.Equal("html", XDocument.Parse(text[text.IndexOf("<html", StringComparison.Ordinal)..]).Root!.Name.LocalName);
        Assert.Contains("weight-decay", text);
        Assert.Contains("At temperature 1", text);
        Assert.Contains(">live<", text);
        Assert.True(new FileInfo(Assert.Single(Directory.GetFiles(events, "events.out.tfevents.*"))).Length > 4 * 5 * 12);
    }

    [Fact]
    public void The_page_can_be_written_again_from_the_folder()
    {
        string page = run.File("first.html");
        TrainGptRun.Good(run.Train("rebuilt", "--report", page));
        Assert.Contains("run.html", TrainGptRun.Good("report", "--out", run.File("rebuilt")));
        Assert.Equal(File.ReadAllText(page), File.ReadAllText(run.File("rebuilt", "run.html")));
        TrainGptRun.Good("report", "--out", run.File("rebuilt"), "--report", run.File("second.html"));
        Assert.Equal(File.ReadAllText(page), File.ReadAllText(run.File("second.html")));
    }

    [Fact]
    public void A_run_that_is_stopped_writes_its_page_without_drawing_samples()
    {
        string page = run.File("stopped.html");
        TrainGptRun.RunUntil("step 10 of 20", run.Train("stopped", "--report", page));
        Assert.Contains("weight-decay", File.ReadAllText(page));
        Assert.DoesNotContain("Sample texts", File.ReadAllText(page));
    }

    [Fact]
    public void Refuses_a_folder_as_the_page()
    {
        Directory.CreateDirectory(run.File("folder"));
        var (code, _, errors) = TrainGptRun.Run("train", "--data", run.Data, "--out", run.File("never"), "--context", "16", "--report",
            run.File("folder"));
        Assert.Equal(1, code);
        Assert.Contains("is a folder; name a file", errors);
    }
}
