namespace Mayfly.Tests;

/// <summary>What the user gets wrong ends in one line and a non-zero exit code, and leaves every file as it was.</summary>
public class TrainGptErrorTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Theory]
    [InlineData("--layers 0", "--layers 0 is out of range")]
    [InlineData("--width 10 --heads 3", "--width 10 is not divisible by --heads 3")]
    [InlineData("--width 2000000000", "--width 2000000000 is out of range")]
    [InlineData("--batch 65536 --context 65536", "--accumulate")]
    [InlineData("--steps -1", "--steps -1 is out of range")]
    [InlineData("--learning-rate NaN", "--learning-rate NaN is out of range")]
    [InlineData("--learning-rate 1e-5 --min-learning-rate 1e-4", "--min-learning-rate 0.0001 is out of range")]
    [InlineData("--dropout 1", "--dropout 1 is out of range")]
    [InlineData("--beta2 1", "--beta2 1 is out of range")]
    [InlineData("--threads -1", "--threads -1 is out of range")]
    [InlineData("--mode eager --clip 1", "use --mode deferred, --clip 0, or choose by --clip-mode")]
    [InlineData("--accumulation projected", "--accumulate is 1")]
    [InlineData("--accumulation projected --accumulate 2 --optimizer lomo", "--optimizer lomo reads each element")]
    [InlineData("--accumulation projected --accumulate 2 --optimizer galore", "use --clip 0")]
    [InlineData("--context 4000", "4000")]
    public void Impossible_settings(string options, string message) => Fails(1, message, run.Train("never", options.Split(' ')));

    [Theory]
    [InlineData("--mode lazy", "lazy")]
    [InlineData("--optimizer adam", "adam")]
    [InlineData("--layers many", "--layers: 'many' is not a whole number")]
    [InlineData("--layers 1.5", "--layers: '1.5' is not a whole number")]
    [InlineData("--clip x", "--clip: 'x' is not a number")]
    [InlineData("--clip 1,5", "--clip: '1,5' is not a number")]
    [InlineData("--steps", "--steps")]
    [InlineData("--frobnicate", "--frobnicate")]
    [InlineData("--report ", "--report is empty")]
    [InlineData("--config ", "--config is empty")]
    public void Command_lines_that_cannot_be_understood(string options, string message) =>
        Fails(2, message, run.Train("never", options.Split(' ')));

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("a short text", "a context of 16 needs 17")]
    [InlineData("\0\u0001", "byte 0 is NUL")]
    public void Data_that_is_too_short_or_no_text(string text, string message) =>
        Fails(1, message, run.TrainOn(run.Write("short.txt", text), "never"));

    [Fact]
    public void Data_that_is_missing() => Fails(1, "There is no file or folder", run.TrainOn(run.File("missing.txt"), "never"));

    [Fact]
    public void Data_that_is_no_text()
    {
        File.WriteAllBytes(run.File("binary"), [0xFF, 0xFE, 0x80, 0x81]);
        Fails(1, "not UTF-8", run.TrainOn(run.File("binary"), "never"));
    }

    [Fact]
    public void A_folder_without_text()
    {
        Directory.CreateDirectory(run.File("empty"));
        Fails(1, "holds no text", run.TrainOn(run.File("empty"), "never"));
    }

    /// <summary>
    /// A file in place of the folder stands for any folder that cannot be written; permissions do not bind an administrator.
    /// </summary>
    [Fact]
    public void A_folder_that_cannot_be_written_is_found_before_the_training()
    {
        string output =
            Fails(1, "Cannot write", run.Train(Path.GetFileName(run.Write("taken", "mine")), "--tensorboard", run.File("early")));
        Assert.DoesNotContain("step 1 ", output);
        Assert.Equal("mine", File.ReadAllText(run.File("taken")));
        Assert.False(Directory.Exists(run.File("early")));
    }

    [Fact]
    public void A_page_that_cannot_be_written_is_found_before_the_training() =>
        Assert.DoesNotContain("step 1 ", Fails(1, "Cannot "
            + "write", run.Train("never", "--report", Path.Combine(run.Write("file", "mine"), "page.html"))));

    [Fact]
    public void A_configuration_that_is_no_JSON_is_not_quoted_whole() =>
        Fails(1, "it is no JSON of settings", run.Train("never", "--config", run.Write("long.txt", TrainGptRun.Text(9000))));

    [Theory]
    [InlineData("evaluate")]
    [InlineData("generate")]
    [InlineData("report")]
    [InlineData("train --resume")]
    public void A_folder_without_a_snapshot(string command) =>
        Fails(1, "does not exist", [.. command.Split(' '), "--out", run.File("nowhere")]);

    [Theory]
    [InlineData("evaluate", 0)]
    [InlineData("generate", 5)]
    [InlineData("train --resume", 1000)]
    [InlineData("generate", -100)]
    public void A_snapshot_cut_short(string command, int length)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(run.Trained, Snapshot.FileName));
        Directory.CreateDirectory(run.File("cut"));
        byte[] cut = whole[..(length < 0 ? whole.Length + length : length)];
        File.WriteAllBytes(run.File("cut", Snapshot.FileName), cut);
        Fails(1, Snapshot.FileName, [.. command.Split(' '), "--out", run.File("cut")]);
        Assert.Equal(cut, File.ReadAllBytes(run.File("cut", Snapshot.FileName)));
    }

    [Fact]
    public void A_snapshot_with_a_damaged_configuration()
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(run.Trained, Snapshot.FileName));
        int at = bytes.AsSpan().IndexOf("Heads"u8);
        bytes[at] = (byte)'X';
        Directory.CreateDirectory(run.File("damaged"));
        File.WriteAllBytes(run.File("damaged", Snapshot.FileName), bytes);
        Fails(1, Snapshot.FileName, "generate", "--out", run.File("damaged"));
    }

    [Theory]
    [InlineData("--layers 2", "--layers 2 does not fit")]
    [InlineData("--width 32", "--width 32 does not fit")]
    [InlineData("--context 8", "--context 8 does not fit")]
    [InlineData("--optimizer sgd", "--optimizer sgd does not fit")]
    [InlineData("--steps 20", "has done 20 steps already")]
    public void A_resumed_run_of_another_kind(string options, string message) =>
        Unchanged(run.Trained, () => Fails(1, message, ["--resume", "--out", run.Trained, .. options.Split(' ')]));

    [Theory]
    [InlineData("config.json", "[1]", "config.json: configuration: it is no JSON of settings: a JSON object is needed.")]
    [InlineData("config.json", "{", "config.json: configuration: it is no JSON of settings")]
    [InlineData("log.csv", "my notes\n", "log.csv: line 1")]
    [InlineData("log.csv", null, "log.csv")]
    public void A_folder_whose_report_cannot_be_written(string name, string? content, string message)
    {
        string folder = run.File($"report{name}{content?.Length}");
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(run.Trained)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)),
            overwrite: true);
        if (content is null) File.Delete(Path.Combine(folder, name));
        else File.WriteAllText(Path.Combine(folder, name), content);
        Unchanged(folder, () => Fails(1, message, "report", "--out", folder));
    }

    [Fact]
    public void A_resumed_run_with_a_file_that_is_no_log()
    {
        TrainGptRun.RunUntil("step 10 of 20", run.Train("nolog"));
        File.WriteAllText(run.File("nolog", "log.csv"), "my notes\n1\n");
        Unchanged(run.File("nolog"), () => Fails(1, "it is no log; rename the file", "--resume", "--out", run.File("nolog")));
    }

    [Theory]
    [InlineData("--prompt \u00e9", "U+00E9")]
    [InlineData("--temperature -1", "temperature -1")]
    [InlineData("--temperature NaN", "temperature NaN")]
    [InlineData("--top-k -1", "top-k -1")]
    [InlineData("--tokens -1", "--tokens -1")]
    public void Impossible_text(string options, string message) =>
        Fails(1, message, ["generate", "--out", run.Trained, .. options.Split(' ')]);

    [Fact]
    public void Data_with_a_character_the_model_does_not_know() =>
        Fails(1, "U+005B", "evaluate", "--out", run.Trained, "--data", run.Write("other.txt", "[" + TrainGptRun.Text(1000)));

    [Fact]
    public void A_learning_rate_that_makes_the_loss_infinite()
    {
        string output = Fails(1, "a lower --learning-rate", run.Train("diverged", "--learning-rate", "1000", "--optimizer", "sgd", "--clip",
            "0", "--weight-decay", "1000", "--warm-up", "0", "--steps", "200"));
        Assert.Contains("step 1 ", output);
        using var snapshot = Snapshot.Open(run.File("diverged"));
        Assert.Equal(0, snapshot.Step);
    }

    private string Fails(int code, string message, params string[] args)
    {
        var (exit, output, errors) = TrainGptRun.Run(args);
        Assert.Contains(message, errors);
        Assert.Equal(code, exit);
        Assert.StartsWith("error: ", errors);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
        Assert.DoesNotContain("   at ", errors);
        Assert.True(errors.Length < 600, errors);
        Assert.False(Directory.Exists(run.File("never")), "A run that fails at once has no business with its folder.");
        return output;
    }

    private static void Unchanged(string folder, Action action)
    {
        string[] Files() => [.. Directory.GetFiles(folder).Order().Select(file => file + Convert.ToHexString(File.ReadAllBytes(file)))];
        var before = Files();
        action();
        Assert.Equal(before, Files());
    }
}
