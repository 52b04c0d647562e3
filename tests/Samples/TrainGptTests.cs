using System.Globalization;

namespace Mayfly.Tests;

/// <summary>What TrainGpt's commands write.</summary>
public class TrainGptTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Fact]
    public void Training_prints_lines_and_a_sample_where_nobody_watches()
    {
        foreach (int step in new[] { 1, 5, 10, 15, 20 }) Assert.Contains($"\nstep {step} of 20 | loss ", run.TrainOutput);
        Assert.Matches(@"\nvalidation loss \d\.\d{4} .*\nmeasured on .*\nSaved to .*\n\n[^$]{400,}", run.TrainOutput);
    }

    [Fact]
    public void The_log_has_a_line_for_each_step()
    {
        var lines = Log(run.Trained);
        Assert.Equal(
            "step,loss,validation_loss,learning_rate,tokens_per_second,peak_bytes,live_bytes,gradient_norm,perplexity,bits_per_byte,"
            + "accuracy,seconds",
            string.Join(',', lines[0]));
        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"{i}"), lines.Skip(1).Select(line => line[0]));
        Assert.Equal(["5", "10", "15", "20"], lines.Skip(1).Where(line => line[2].Length > 0).Select(line => line[0]));
        Assert.Equal(0.005, Number(lines[1][3]), 1e-6);
        Assert.Equal(0.001, Number(lines[20][3]), 1e-6);
        Assert.True(Number(lines[20][2]) < Number(lines[5][2]) - 0.1, "The validation loss has to fall.");
        Assert.All(lines.Skip(1), line =>
            Assert.True(Number(line[4]) > 0 && Number(line[5]) > Number(line[6]) && Number(line[6]) > 10_000 && Number(line[7]) > 0));
        Assert.All(lines.Skip(1), line => Assert.Equal(line[2].Length > 0 ? Math.Exp(Number(line[2])) : 0,
            line[8].Length > 0 ? Number(line[8]) : 0, 1e-3));
        Assert.All(lines.Skip(1), line => Assert.Equal(line[2].Length > 0 ? Number(line[2]) / Math.Log(2) : 0, // a character is a byte
            line[9].Length > 0 ? Number(line[9]) : 0, 1e-5));
        Assert.All(lines.Skip(1).Where(line => line[2].Length > 0), line => Assert.InRange(Number(line[10]), 0.1, 1));
        Assert.Equal(lines.Skip(1).Select(line => Number(line[11])).Order(), lines.Skip(1).Select(line => Number(line[11])));
    }

    /// <summary>
    /// With a rate that blows the loss up again the best snapshot is not the last, and patience ends the run; what is resumed with more of
    /// it goes on, and counts the measurements before.
    /// </summary>
    [Fact]
    public void The_best_snapshot_is_the_best_and_patience_ends_a_run()
    {
        string folder = run.File("impatient");
        string output = TrainGptRun.Good(run.Train(
            "impatient", "--steps", "400", "--patience", "3", "--learning-rate", "0.3", "--min-learning-rate", "0.3"));
        var measured = Measured(folder);
        var (step, loss) = measured.MinBy(m => m.Loss);
        Assert.Equal(step + 15, measured[^1].Step);
        Assert.Contains($"least at step {step}, 3 measurements ago", output);
        using (var best = Mayfly.Snapshot.OpenBest(folder))
            Assert.Equal((step, loss), (best.Step, Math.Round(best.ValidationLoss!.Value, 6)));
        string evaluated = TrainGptRun.Good("evaluate", "--out", folder, "--from", "best");
        Assert.StartsWith($"validation loss {loss:F4} ", evaluated, StringComparison.Ordinal);
        TrainGptRun.Good("train", "--resume", "--out", folder, "--patience", "4");
        Assert.Equal(Measured(folder).MinBy(m => m.Loss).Step + 20, Measured(folder)[^1].Step);

        static (long Step, double Loss)[] Measured(string folder) =>
            [.. Log(folder).Skip(1).Where(line => line[2].Length > 0).Select(line => ((long)Number(line[0]), Number(line[2])))];
    }

    [Fact]
    public void Evaluate_agrees_with_the_training()
    {
        string output = TrainGptRun.Good("evaluate", "--out", run.Trained);
        Assert.Matches(@"^validation loss \d\.\d{4} \| perplexity \d+\.\d+ \| \d\.\d{4} bits per byte\n.*\n$", output);
        Assert.EndsWith($"\nmeasured on the last tenth of '{run.Data}': 592 of 600 tokens, in 37 of 37 windows of 16, stride 16\n", output);
        Assert.Contains($"\n{output}", run.TrainOutput);
        Assert.Equal(Number(Log(run.Trained)[20][2]), Number(output.Split(' ')[2]), 1e-4);
    }

    [Fact]
    public void Greedy_text_is_the_same_each_time_and_for_any_number_of_threads()
    {
        string Greedy(string threads) => TrainGptRun.Good("generate", "--out", run.Trained, "--prompt", "the cat", "--tokens", "40",
            "--temperature", "0", "--threads", threads);
        string one = Greedy("1");
        Assert.Equal(7 + 40 + 1, one.Length);
        Assert.StartsWith("the cat", one);
        Assert.Equal(one, Greedy("1"));
        Assert.Equal(one, Greedy("2"));
        Assert.Equal(one, TrainGptRun.Good("generate", "--out", run.Trained, "--prompt", "the cat", "--tokens", "40", "--top-k", "1"));
    }

    [Fact]
    public void Drawn_text_depends_on_the_seed()
    {
        string Drawn(string seed) => TrainGptRun.Good("generate", "--out", run.Trained, "--tokens", "40", "--seed", seed);
        Assert.Equal(Drawn("1"), Drawn("1"));
        Assert.NotEqual(Drawn("1"), Drawn("2"));
    }

    [Fact]
    public void Threads_do_not_change_what_is_learned()
    {
        TrainGptRun.Good(run.Train("one", "--threads", "1"));
        TrainGptRun.Good(run.Train("two", "--threads", "2"));
        Assert.Equal(Snapshot("one"), Snapshot("two"));
    }

    [Theory]
    [InlineData("--dropout", "0.1", "--accumulate", "2")]
    [InlineData("--mode", "eager", "--checkpoint-blocks")]
    [InlineData("--optimizer", "sgd")]
    [InlineData("--dtype", "bf16", "--state-dtype", "bf16", "--gradient-dtype", "bf16", "--accumulate", "2")]
    [InlineData("--dtype", "int8", "--optimizer", "apollo", "--mode", "eager")]
    [InlineData("--dtype", "bf16", "--master-weights", "--gradient-dtype", "f16", "--loss-scale", "dynamic")]
    public void A_run_that_was_stopped_goes_on_as_if_it_had_not(params string[] options)
    {
        string name = string.Concat(options), straight = $"straight{name}", halves = $"halves{name}";
        TrainGptRun.Good(run.Train(straight, options));

        string first = TrainGptRun.RunUntil("step 10 of 20", run.Train(halves, options));
        Assert.Contains("Stopped after step 10 and saved", first);
        Assert.NotEqual(Snapshot(straight), Snapshot(halves));
        Assert.Contains("Goes on after step 10", TrainGptRun.Good("train", "--out", run.File(halves), "--resume"));

        Assert.Equal(Snapshot(straight), Snapshot(halves));
        Assert.Equal(Log(run.File(straight)).Select(line => line[..4]), Log(run.File(halves)).Select(line => line[..4]));
    }

    [Fact]
    public void Lines_of_steps_lost_with_their_snapshot_leave_the_log()
    {
        TrainGptRun.RunUntil("step 10 of 20", run.Train("crash"));
        File.AppendAllText(run.File("crash", "log.csv"), "11,1,,1,1,1\n12,1,,");
        TrainGptRun.Good("--out", run.File("crash"), "--resume");
        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"{i}"), Log(run.File("crash")).Skip(1).Select(line => line[0]));
    }

    [Fact]
    public void A_log_of_fewer_columns_goes_on_with_all()
    {
        TrainGptRun.RunUntil("step 10 of 20", run.Train("columns"));
        var lines = Log(run.File("columns"));
        File.WriteAllLines(run.File("columns", "log.csv"), lines.Select(line => string.Join(',', line.Where((_, i) => i is not (3 or 6)))));
        TrainGptRun.Good("--out", run.File("columns"), "--resume");
        var resumed = Log(run.File("columns"));
        Assert.Equal(lines[0], resumed[0]);
        Assert.Equal(lines.Take(11).Select(line => line[5]), resumed.Take(11).Select(line => line[5]));
        Assert.Equal(Enumerable.Range(1, 20).Select(i => i > 10), resumed.Skip(1).Select(line => line[3].Length > 0 && line[6].Length > 0));
    }

    [Fact]
    public void A_new_run_sets_the_old_one_aside_and_is_not_taken_for_it()
    {
        TrainGptRun.Good(run.Train("again", "--seed", "3"));
        TrainGptRun.Good("report", "--out", run.File("again"));
        var old = Contents(run.File("again"));
        Assert.Equal(["config.json", "log.csv", "run.html", Mayfly.Snapshot.BestFileName, Mayfly.Snapshot.PreviousFileName,
            Mayfly.Snapshot.FileName], old.Keys);

        Assert.Equal(1, TrainGptRun.Run(run.Train("again", "--learning-rate", "1000", "--optimizer", "sgd", "--clip", "0", "--weight-decay",
            "1000")).Code);
        Assert.Equal(old, Contents(run.File("again", "run-1")));
        Assert.Equal(["config.json", "log.csv", Mayfly.Snapshot.FileName], Contents(run.File("again")).Keys);
        using (var initial = Mayfly.Snapshot.Open(run.File("again"))) Assert.Equal(0, initial.Step);

        string output = TrainGptRun.Good(run.Train("again", "--save-every", "20"));
        Assert.Contains($"'{run.File("again")}' held another run; its files are in '{run.File("again", "run-2")}' now.", output);
        Assert.Equal(old, Contents(run.File("again", "run-1")));
        TrainGptRun.Good("--out", run.File("again", "run-1"), "--resume", "--steps", "21");
    }

    [Fact]
    public void A_run_that_cannot_begin_leaves_the_one_before_it_in_place()
    {
        TrainGptRun.Good(run.Train("stays"));
        var old = Contents(run.File("stays"));
        Assert.Equal(1, TrainGptRun.Run(run.TrainOn(run.Write("tiny.txt", "tiny"), "stays")).Code);
        Assert.Equal(old, Contents(run.File("stays")));
        Assert.False(Directory.Exists(run.File("stays", "run-1")));
    }

    [Fact]
    public void A_damaged_snapshot_is_said_and_the_one_before_it_goes_on()
    {
        TrainGptRun.Good(run.Train("rotten", "--save-every", "3"));
        byte[] whole = Snapshot("rotten");
        File.WriteAllBytes(run.File("rotten", Mayfly.Snapshot.FileName), [.. whole[..^1], (byte)(whole[^1] ^ 1)]);
        var (code, output, errors) = TrainGptRun.Run("train", "--out", run.File("rotten"), "--resume");
        Assert.Equal(0, code);
        Assert.Matches("^warning: .*snapshot.safetensors: .*: its checksum differs.*The previous snapshot is used instead.\n$", errors);
        Assert.Contains("Goes on after step 18", output);
        Assert.Equal(whole, Snapshot("rotten"));
    }

    [Fact]
    public void A_resumed_run_can_go_further_than_planned()
    {
        TrainGptRun.Good(run.Train("further"));
        TrainGptRun.Good("--out", run.File("further"), "--resume", "--steps", "23");
        Assert.Equal("23", Log(run.File("further"))[^1][0]);
    }

    [Fact]
    public void Micro_batches_equal_one_large_batch()
    {
        TrainGptRun.Good(run.Train("large", "--batch", "8", "--steps", "1"));
        TrainGptRun.Good(run.Train("parts", "--batch", "4", "--accumulate", "2", "--steps", "1"));
        Assert.Equal(Number(Log(run.File("large"))[1][1]), Number(Log(run.File("parts"))[1][1]), 1e-5);
    }

    [Fact]
    public void A_folder_of_files_is_read_as_one_text()
    {
        run.Write("folder/a.txt", TrainGptRun.Text(3000));
        run.Write("folder/sub/b.txt", TrainGptRun.Text(3000));
        Assert.Contains(" 6,002 characters", TrainGptRun.Good(run.TrainOn(run.File("folder"), "fromfolder")));
    }

    [Fact]
    public void Eager_mode_says_that_it_does_not_clip() =>
        Assert.Contains("not clipped", TrainGptRun.Good(run.Train("eager", "--mode", "eager")));

    private byte[] Snapshot(string name) => File.ReadAllBytes(run.File(name, Mayfly.Snapshot.FileName));

    private static SortedDictionary<string, string> Contents(string folder) =>
        new(Directory.GetFiles(folder).ToDictionary(file => Path.GetFileName(file)!, file => Convert.ToHexString(File.ReadAllBytes(file))),
            StringComparer.Ordinal);

    private static string[][] Log(string folder) => [.. File.ReadAllLines(Path.Combine(folder, "log.csv")).Select(line => line.Split(','))];

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
