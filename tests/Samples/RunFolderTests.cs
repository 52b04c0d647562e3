using System.Globalization;

namespace Mayfly.Tests;

/// <summary>The folder of a run: who may write in it, what is kept, and what becomes of a run whose folder or data goes away.</summary>
public class RunFolderTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Theory]
    [InlineData("train")]
    [InlineData("train --resume --steps 30")]
    public void A_folder_in_use_is_refused_and_left_as_it_is(string command)
    {
        string folder = run.File($"used{command.Length}");
        TrainGptRun.Good(run.Train(folder));
        using (FolderLock.Take(folder))
        {
            var before = Contents(folder);
            var (code, _, errors) = TrainGptRun.Run([.. command.Split(' '), "--data", run.Data, "--out", folder]);
            Assert.Equal(1, code);
            Assert.Matches("^error: '.*used.*' is in use by .*; wait for its end, or give another folder\\.\n$", errors);
            Assert.Equal(before, Contents(folder));
            TrainGptRun.Good("report", "--out", folder); // reading goes on, and a page is made of a run that lives
            TrainGptRun.Good("generate", "--out", folder, "--tokens", "3");
        }

        TrainGptRun.Good("train", "--resume", "--steps", "30", "--out", folder);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_whose_folder_is_moved_goes_on_beside_it(bool isReplaced)
    {
        string folder = run.File($"goes{isReplaced}"), moved = run.File($"moved{isReplaced}");
        var (code, output, errors) = TrainGptRun.RunWhile("step 10 of 20", () =>
        {
            Directory.Move(folder, moved);
            if (isReplaced) run.Write($"goes{isReplaced}/theirs.txt", "theirs");
        }, run.Train(folder, "--report", Path.Combine(folder, "run.html"), "--threads", "1"));
        Assert.Equal(0, code);
        Assert.Equal($"warning: '{folder}' was moved, removed or replaced while the run went on; it goes on in '{folder}-rescued'.\n",
            errors);
        Assert.Contains($"Saved to {folder}-rescued.", output);
        if (isReplaced) Assert.Equal(["theirs.txt"], Contents(folder).Keys);
        Assert.Equal(isReplaced, Directory.Exists(folder));
        Assert.Equal(21, File.ReadAllLines($"{folder}-rescued/log.csv").Length);
        Assert.True(File.Exists($"{folder}-rescued/run.html") && File.Exists($"{folder}-rescued/config.json"));
        TrainGptRun.Good("train", "--resume", "--steps", "21", "--out", $"{folder}-rescued");
        TrainGptRun.Good("train", "--resume", "--out", moved);
    }

    [Fact]
    public void Links_of_a_stranger_are_not_followed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows lets only administrators make links.");
        string folder = run.File("strange");
        TrainGptRun.RunUntil("step 10 of 20", run.Train(folder));
        TrainGptRun.Good("report", "--out", folder);
        foreach (string name in Contents(folder).Keys.Append("writable.probe").Append("log.csv.partial").ToArray())
        {
            string foreign = run.File($"foreign-{name}"), own = Path.Combine(folder, name);
            if (File.Exists(own)) File.Move(own, foreign);
            else File.WriteAllText(foreign, "foreign");
            File.CreateSymbolicLink(own, foreign);
        }

        string[] Foreign() => [.. Directory.GetFiles(run.File(), "foreign-*").Order().Select(file =>
            file + Convert.ToHexString(File.ReadAllBytes(file)))];
        var before = Foreign();
        TrainGptRun.Good("train", "--resume", "--out", folder);
        TrainGptRun.Good("report", "--out", folder);
        TrainGptRun.Good(run.Train(folder)); // sets the files and what is left of the links aside
        Assert.Equal(before, Foreign());
    }

    [Fact]
    public void A_run_whose_data_is_cut_saves_what_it_has()
    {
        string data = run.File("cut.bin"), folder = run.File("cutdata");
        File.WriteAllBytes(data, [.. Enumerable.Range(0, 8000).SelectMany(i => new byte[] { (byte)(i * 7 % 31), 0 })]);
        var (code, output, errors) = TrainGptRun.RunWhile("step 10 of 20", () => File.WriteAllBytes(data, new byte[100]),
            run.TrainOn(data, folder, "--save-every", "100"));
        Assert.Equal(1, code);
        Assert.Matches("^error: .*cut.bin: ids: .*\n$", errors);
        Assert.Contains($"Step 10 was saved to {folder} before the end.", output);
        using var snapshot = Snapshot.Open(folder);
        Assert.Equal(10, snapshot.Step);
    }

    [Theory]
    [InlineData("--save-every", "1", "--evaluate-every", "1000", "--learning-rate", "1000", "--optimizer", "sgd", "--clip", "0")]
    [InlineData("--evaluate-every", "2", "--learning-rate", "1000", "--weight-decay", "1000000", "--clip", "0", "--warm-up", "0")]
    [InlineData("--evaluate-every", "1", "--learning-rate", "1000", "--optimizer", "muon", "--mode", "eager", "--steps", "60")]
    public void After_a_divergence_the_advice_works(params string[] options)
    {
        string folder = run.File($"diverges{string.Concat(options).GetHashCode()}");
        var (code, _, errors) = TrainGptRun.Run(run.Train(folder, options));
        Assert.Equal(1, code);
        Assert.Matches(@"The snapshot of step \d+ is from before that: train --resume --out .* with a lower --learning-rate goes on",
            errors);
        using (var snapshot = Snapshot.Open(folder)) Assert.Matches($"snapshot of step {snapshot.Step} ", errors);
        TrainGptRun.Good("train", "--resume", "--out", folder, "--learning-rate", "1e-6", "--min-learning-rate", "0");
        Assert.DoesNotContain("NaN", TrainGptRun.Good("evaluate", "--out", folder));
    }

    [Fact]
    public void The_best_snapshot_is_the_one_of_the_least_validation_loss()
    {
        string folder = run.File("best");
        TrainGptRun.Good(run.Train(folder, "--save-every", "7"));
        TrainGptRun.Good("train", "--resume", "--out", folder, "--steps", "40", "--learning-rate", "1", "--min-learning-rate", "1");
        string[][] log = [.. File.ReadLines(Path.Combine(folder, "log.csv")).Skip(1).Select(line => line.Split(','))];
        string[] least = log.Where(line => line[2].Length > 0).MinBy(line => double.Parse(line[2], CultureInfo.InvariantCulture))!;
        using (var best = Snapshot.OpenBest(folder))
        {
            Assert.Equal(least[0], $"{best.Step}");
            Assert.Equal(least[2], FormattableString.Invariant($"{best.ValidationLoss:F6}"));
        }

        Assert.NotEqual(TrainGptRun.Good("evaluate", "--out", folder), TrainGptRun.Good("evaluate", "--out", folder, "--from", "best"));
        Assert.Contains($"Goes on after step {least[0]}.",
            TrainGptRun.Good("train", "--resume", "--from", "best", "--steps", "40", "--out", folder));
        Assert.Contains("give --resume too", TrainGptRun.Run(run.Train(folder, "--from", "best")).Errors);
    }

    private static SortedDictionary<string, string> Contents(string folder) =>
        new(Directory.GetFiles(folder).Where(file => Path.GetFileName(file) != FolderLock.FileName)
            .ToDictionary(file => Path.GetFileName(file)!, file => Convert.ToHexString(File.ReadAllBytes(file))), StringComparer.Ordinal);
}
