using System.Globalization;

namespace Mayfly.Tests;

/// <summary>Fine-tuning and <c>export</c> by the user's door, from a tiny run of our own.</summary>
public sealed class TrainGptFineTuneTests(TrainGptFineTuneTests.Fixture fixture)
    : IClassFixture<TrainGptFineTuneTests.Fixture>, IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string data = fixture.Data, run = fixture.Run;

    /// <summary>The run to begin with, made once.</summary>
    public sealed class Fixture : IDisposable
    {
        private readonly TemporaryFolder folder = new();

        public Fixture()
        {
            Data = folder.Write("text.txt", TrainGptRun.Text(4000));
            TrainGptRun.Good(["train", "--data", Data, "--out", Run, "--model", "llama", "--kv-heads", "1", "--tokenizer", "byte", .. Sizes,
                "--steps", "10"]);
        }

        public string Data { get; }

        public string Run => folder.File("run");

        public void Dispose() => folder.Dispose();
    }

    private static string[] Sizes { get; } = ["--layers", "2", "--heads", "2", "--width", "16", "--context", "16", .. Usual];

    private static string[] Usual =>
        ["--batch", "4", "--warm-up", "2", "--learning-rate", "1e-2", "--evaluate-every", "5", "--threads", "1"];

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Adapters_are_trained_resumed_and_merged()
    {
        string[] train = ["train", "--init", run, "--data", data, .. Usual, "--lora-rank", "2", "--lora-targets", "q,v,down",
            "--mode", "eager"];
        string whole = folder.File("whole"), halves = folder.File("halves");
        string output = TrainGptRun.Good([.. train, "--out", whole, "--steps", "10"]);
        Assert.Contains("12 parameters trained", output); // A and B of q, v and down in two blocks
        TrainGptRun.Good([.. train, "--out", halves, "--steps", "10", "--save-every", "5"]);
        File.Copy(Path.Combine(halves, Snapshot.PreviousFileName), Path.Combine(halves, Snapshot.FileName), overwrite: true);
        Assert.Contains("Goes on after step 5.", TrainGptRun.Good("train", "--resume", "--out", halves, "--steps", "10"));
        using (Snapshot first = Snapshot.Open(whole), second = Snapshot.Open(halves))
        {
            Assert.Equal(2 * 2 * ((16 + 16) + (16 + 8) + (64 + 16)), first.WeightCount); // the adapters alone
            Assert.Equal(Tensors(whole), Tensors(halves));
        }

        TrainGptRun.Good("export", "--run", whole, "--to", "adapter", "--out", folder.File("adapter"));
        TrainGptRun.Good("export", "--run", whole, "--to", "gguf", "--out", folder.File("merged.gguf"));
        double apart = Loss("--out", whole), merged = Loss("--init", folder.File("merged.gguf")),
            again = Loss("--init", run, "--adapter", folder.File("adapter"));
        Assert.Equal((apart, apart), (merged, again));
        Assert.True(apart < Loss("--init", run), "nothing was learned");
        TrainGptRun.Good(["train", "--init", run, "--data", data, .. Usual, "--steps", "2", "--out", folder.File("other")]);
        TrainGptRun.Good([.. train, "--out", folder.File("moving"), "--steps", "2", "--init", folder.File("other")]);
        File.Copy(Path.Combine(run, Snapshot.FileName), folder.File($"other/{Snapshot.FileName}"), overwrite: true);
        Fails("is not the model that the adapters were trained beside", "generate", "--out", folder.File("moving"));
        Fails("it holds adapters without their model", "generate", "--init", whole);
        Fails("this model has none", "export", "--run", run, "--to", "adapter", "--out", folder.File("none"));
    }

    [Fact]
    public void Frozen_weights_stay()
    {
        string tuned = folder.File("tuned");
        string output = TrainGptRun.Good(["train", "--init", run, "--data", data, .. Usual, "--freeze", "tokens.*,blocks.0.*",
            "--steps", "5", "--out", tuned]);
        Assert.Contains("frozen", output);
        var (before, after) = (Tensors(run), Tensors(tuned));
        foreach (var (name, values) in before.Where(t => !t.Key.Contains('/')))
            Assert.Equal(name.StartsWith("tokens.") || name.StartsWith("blocks.0."), values == after[name]);
        Assert.DoesNotContain(after.Keys, name => name.StartsWith("state/blocks.0."));
    }

    [Theory]
    [InlineData("muon")]
    [InlineData("apollo-mini")]
    [InlineData("adalomo")]
    public void Every_rule_goes_on_from_a_model(string optimizer)
    {
        TrainGptRun.Good(["train", "--init", run, "--data", data, .. Usual, "--optimizer", optimizer, "--mode", "eager", "--steps", "8",
            "--out", folder.File("tuned")]);
        Assert.True(Loss("--out", folder.File("tuned")) < Loss("--init", run));
    }

    [Fact]
    public void Every_format_is_opened_again()
    {
        double loss = Loss("--out", run);
        foreach (string to in (string[])["safetensors", "gguf"])
            foreach (string type in (string[])["f32", "f16", "bf16"])
            {
                string path = folder.File(to == "gguf" ? $"{type}.gguf" : type);
                Assert.Contains($"as {to} to", TrainGptRun.Good("export", "--run", run, "--to", to, "--dtype", type, "--out", path));
                Assert.Equal(loss, Loss("--init", path), type == "f32" ? 0 : 0.01);
            }
    }

    [Fact]
    public void What_does_not_fit_is_one_line()
    {
        string[] train = ["train", "--data", data, "--out", folder.File("b")];
        Fails("name it by --init", [.. train, "--lora-rank", "2"]);
        Fails("give --lora-rank too", [.. train, "--lora-alpha", "2"]);
        Fails("no linear layer fits 'fc'", [.. train, "--init", run, "--lora-rank", "2", "--lora-targets", "fc", "--context", "16"]);
        Fails("--freeze nothing.*: Freeze: no parameter", [.. train, "--init", run, "--freeze", "nothing.*", "--context", "16"]);
        Fails("leaves nothing to train", [.. train, "--init", run, "--freeze", "*", "--context", "16"]);
        Fails("--out names the file or folder to write", "export", "--run", run);
        Fails("choose F32 or F16 or BF16", "export", "--run", run, "--dtype", "q8_0", "--out", folder.File("q"));
        Fails("--adapter is for --init", "generate", "--out", run, "--adapter", folder.File("a"));
        Fails("adapter_config.json", "generate", "--init", run, "--adapter", folder.File("a"));
        Assert.False(File.Exists(folder.File($"b/{Snapshot.FileName}")));
    }

    [Fact]
    public void A_window_may_be_shorter_and_its_begin_unscored()
    {
        string line = TrainGptRun.Good("evaluate", "--out", run, "--data", data, "--context", "8", "--unscored", "4");
        Assert.Contains("1,996 of 4,000 tokens, in 499 of 499 windows of 8, stride 8, of which the first 4 are read alone", line);
        Fails("--context 32 is more than the model's, 16", "evaluate", "--out", run, "--data", data, "--context", "32");
        Fails("--unscored 16 leaves nothing", "evaluate", "--out", run, "--data", data, "--unscored", "16");
    }

    private double Loss(params string[] model) => double.Parse(TrainGptRun.Good(["evaluate", "--data", data, "--context", "16", .. model])
        .Split("loss ")[1].Split([' ', ','])[0], CultureInfo.InvariantCulture);

    private static Dictionary<string, string> Tensors(string run)
    {
        using var file = SafeTensorsReader.Open(Path.Combine(run, Snapshot.FileName));
        return file.Entries.Values.ToDictionary(entry => entry.Name, entry => string.Join(' ', file.Read<double>(entry.Name)));
    }

    private static void Fails(string problem, params string[] args)
    {
        var (code, _, errors) = TrainGptRun.Run(args);
        Assert.Equal(1, code);
        Assert.Contains(problem, errors);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }
}
