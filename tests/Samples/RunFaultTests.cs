using System.Text.RegularExpressions;

namespace Mayfly.Tests;

/// <summary>
/// Lets each request fail that a whole run makes to the disk, with snapshots, log, settings, page and event files: whatever is refused, the
/// exit code and the message are right, a snapshot that is there is whole, and the run goes on from it to the bits of one left alone.
/// </summary>
public class RunFaultTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private const int Some = 37;

    [Theory]
    [InlineData(Fault.Refused)]
    [InlineData(Fault.Full)]
    [InlineData(Fault.Dies)]
    public void Any_request_can_fail(Fault fault) => Check(run, fault, Some);

    /// <summary>The order of all requests of a run that nothing disturbs.</summary>
    [Fact]
    public void A_file_is_on_the_disk_before_it_has_its_name_and_the_name_before_anything_goes_on()
    {
        var disk = new FaultyDisk(Fault.Refused, long.MaxValue, PlaceUnit.Request);
        using (Disk.Use(disk)) TrainGptRun.Good(Command(run, "order"));
        disk.CheckSettled();
        string[] newest = [.. disk.Requests.Where(request => request.EndsWith($"order/{Snapshot.FileName}", StringComparison.Ordinal))];
        Assert.Equal(4, newest.Count(request => request.StartsWith("rename", StringComparison.Ordinal)));
        string log = run.File("order", "log.csv"), first = $"create {run.File("order", Snapshot.FileName)}";
        for (int i = disk.Requests.FindIndex(IsOf("write", log)); i < disk.Requests.Count; i++)
            if (IsOf(first, "")(disk.Requests[i])) // the log reaches at least as far as a snapshot
                Assert.StartsWith("flush", disk.Requests[disk.Requests.FindLastIndex(i, IsOf("", log))]);

        static Predicate<string> IsOf(string start, string part) =>
            request => request.StartsWith(start, StringComparison.Ordinal) && request.Contains(part, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("log.csv", "Cannot write '.*log.csv'.*The run goes on without it")]
    [InlineData("config.json", "Cannot write '.*config.json'.*The run goes on without it")]
    [InlineData("run.html", "Cannot write '.*run.html'.*The run goes on without it")]
    public void A_record_that_cannot_be_written_is_said_once(string name, string message)
    {
        string folder = $"without-{name.Length}";
        var (code, output, errors) = Faulty(new FaultyDisk(Fault.Full, 0, PlaceUnit.Request, name), Command(run, folder));
        Assert.Equal(0, code);
        Assert.Single(errors.Split('\n'), line => Regex.IsMatch(line, $"^warning: {message}\\.$"));
        Assert.Contains("Saved to", output);
        Assert.False(File.Exists(run.File(folder, name)));
        using var snapshot = Snapshot.Open(run.File(folder));
        Assert.Equal(6, snapshot.Step);
    }

    [Fact]
    public void A_log_catches_up_when_the_disk_has_room_again()
    {
        TrainGptRun.Good(Command(run, "steady"));
        var (code, _, errors) = Faulty(new FaultyDisk(Fault.Refused, 6, PlaceUnit.Request, "log.csv"), Command(run, "caught"));
        Assert.Equal(0, code);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
        Assert.Equal(Losses("steady"), Losses("caught"));
    }

    /// <summary>All places, for the bench.</summary>
    /// <returns>What happened, in one line.</returns>
    internal static string CheckAll()
    {
        using var run = new TrainGptRun();
        return string.Join("; ", Enum.GetValues<Fault>().Where(fault => fault != Fault.Lost).Select(fault =>
            $"{fault}: {Check(run, fault, 1)}"));
    }

    private static string Check(TrainGptRun run, Fault fault, int stride)
    {
        var counting = new FaultyDisk(fault, long.MaxValue, PlaceUnit.Request);
        string name = $"all{fault}";
        using (Disk.Use(counting)) TrainGptRun.Good(Command(run, name));
        byte[] straight = File.ReadAllBytes(run.File(name, Snapshot.FileName));
        int places = 0, warned = 0, failed = 0;
        for (int place = 0; place < counting.Places; place += stride, places++)
        {
            string folder = $"{name}{place}";
            var (code, _, errors) = Faulty(new FaultyDisk(fault, place, PlaceUnit.Request), Command(run, folder));
            string what = $"{fault} at {place}, {counting.Requests[place]}: {errors}";
            Assert.True(code is 0 or 1, what);
            Assert.All(errors.TrimEnd('\n').Split('\n').SkipLast(code), line =>
                Assert.True(line == "" || line.StartsWith("warning: Cannot ", StringComparison.Ordinal), what));
            if (code == 1) Assert.StartsWith("error: Cannot ", errors.TrimEnd('\n').Split('\n')[^1]);
            warned += errors.StartsWith("warning", StringComparison.Ordinal) ? 1 : 0;
            failed += code;
            GoOn(run, folder);
            Assert.True(straight.SequenceEqual(File.ReadAllBytes(run.File(folder, Snapshot.FileName))), what);
        }

        return $"{places} requests failed: {failed} times the run ended with an error, {warned} times with a warning; "
            + "each went on to the same bits";
    }

    /// <summary>Ends the run without a fault, as a user would.</summary>
    private static void GoOn(TrainGptRun run, string folder)
    {
        if (!Snapshot.Exists(run.File(folder)))
        {
            TrainGptRun.Good(Command(run, folder));
            return;
        }

        using (var snapshot = Snapshot.Open(run.File(folder)))
            if (snapshot.Step == 6) return;
        var (code, _, errors) = TrainGptRun.Run("train", "--resume", "--out", run.File(folder), "--threads", "1");
        Assert.True(code == 0, errors);
    }

    private static (int Code, string Output, string Errors) Faulty(FaultyDisk disk, string[] command)
    {
        using (Disk.Use(disk)) return TrainGptRun.Run(command);
    }

    private string[] Losses(string folder) =>
        [.. File.ReadAllLines(run.File(folder, "log.csv")).Select(line => string.Join(',', line.Split(',').Take(4)))];

    private static string[] Command(TrainGptRun run, string folder) => run.Train(folder, "--steps", "6", "--save-every", "2",
        "--evaluate-every", "3", "--threads", "1", "--report", run.File(folder, "run.html"), "--tensorboard", run.File(folder, "events"));
}
