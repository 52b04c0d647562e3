using System.Text.Json;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>The models that TrainGpt trains, and what their snapshots make of them again.</summary>
public class TrainGptModelTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    public static TheoryData<string> Names => [.. ModelNames.All];

    [Theory]
    [InlineData("--model", "llama", "--dropout", "0.1", "--accumulate", "2")]
    [InlineData("--model", "llama", "--kv-heads", "1", "--hidden", "24", "--tied")]
    [InlineData("--hidden", "24", "--tied", "false", "--mode", "eager")]
    public void A_model_is_stopped_resumed_repeated_and_used(params string[] options)
    {
        string name = string.Concat(options), straight = $"straight{name}", halves = $"halves{name}";
        string output = TrainGptRun.Good(run.Train(straight, options));
        TrainGptRun.RunUntil("step 10 of 20", run.Train(halves, options));
        TrainGptRun.Good("train", "--out", run.File(halves), "--resume");
        TrainGptRun.Good("train", "--config", run.File(straight, "config.json"), "--out", run.File("again" + name));
        Assert.Equal(Bytes(straight), Bytes(halves));
        Assert.Equal(Bytes(straight), Bytes("again" + name));
        Assert.Contains(TrainGptRun.Good("evaluate", "--out", run.File(straight)), output);
        Assert.Equal(10 + 1, TrainGptRun.Good("generate", "--out", run.File(straight), "--tokens", "10").Length);
    }

    [Fact]
    public void The_configuration_says_the_whole_shape()
    {
        TrainGptRun.Good(run.Train("shape", "--model", "llama", "--kv-heads", "1", "--steps", "1"));
        using var json = JsonDocument.Parse(File.ReadAllText(run.File("shape", "config.json")));
        var found = new[] { "model", "layers", "heads", "kv-heads", "width", "hidden", "tied", "context" }.Select(name =>
            json.RootElement.GetProperty(name).ToString());
        Assert.Equal(["llama", "1", "2", "1", "16", "64", "False", "16"], found);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_named_model_is_the_published_one_also_when_its_settings_come_back(string name)
    {
        var options = new TrainOptions { Model = name };
        options.Check();
        var published = ModelConfig.Named(name);
        var expected = published.Explicit();
        Assert.Equal(published.CountParameters(), expected.CountParameters());
        Assert.Equal(expected, ModelChoice.Config(options, expected.VocabularySize));
        var used = options.Used();
        used.Check();
        Assert.Equal(expected, ModelChoice.Config(used, expected.VocabularySize));
        var changed = used with { Context = 256, Dropout = 0.1, CheckpointBlocks = true };
        Assert.Equal(
            expected with { Context = 256, Dropout = 0.1f, CheckpointBlocks = true }, ModelChoice.Config(changed, expected.VocabularySize));
    }

    [Fact]
    public void Without_options_it_is_nano_gpt_for_a_cpu() => Assert.Equal(
        new GptConfig { VocabularySize = 65, Layers = 4, Heads = 4, KvHeads = 4, Width = 128, Hidden = 512, Context = 64, Bias = false,
            TiedHead = true },
        ModelChoice.Config(new TrainOptions(), 65));

    [Theory]
    [InlineData("--model gpt --kv-heads 1", "--kv-heads 1 is for llamas")]
    [InlineData("--model llama --kv-heads 3", "--heads 2 is not divisible by --kv-heads 3")]
    [InlineData("--model llama --kv-heads 0", "--kv-heads 0 is out of range")]
    [InlineData("--model llama --width 6", "odd size 3")]
    [InlineData("--hidden 0", "--hidden 0 is out of range")]
    [InlineData("--model llama-60m", "--layers 1 contradicts --model llama-60m, which has 8")]
    [InlineData("--model llama-60m --layers 8 --heads 8 --width 64", "--width 64 contradicts --model llama-60m, which has 512")]
    [InlineData("--model llama-60m --layers 8 --heads 8 --width 512 --hidden 1377", "--hidden 1377 contradicts --model llama-60m, "
        + "which has 1376")]
    [InlineData("--model gpt2-124m --layers 12 --heads 12 --width 768 --tied false", "--tied false contradicts --model gpt2-124m, "
        + "which has true")]
    [InlineData("--model llama-350m --layers 24 --heads 16 --kv-heads 4 --width 1024", "--kv-heads 4 contradicts --model llama-350m, "
        + "which has 16")]
    public void Contradictions_end_in_one_line(string options, string message)
    {
        var (code, _, errors) = TrainGptRun.Run(run.Train("never", options.Split(' ')));
        Assert.Equal(1, code);
        Assert.StartsWith("error: ", errors);
        Assert.Contains(message, errors);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
        Assert.False(Directory.Exists(run.File("never")));
    }

    [Theory]
    [InlineData("--model llama", "--model llama does not fit")]
    [InlineData("--tied false", "--tied false does not fit")]
    [InlineData("--hidden 24", "--hidden 24 does not fit")]
    public void A_resumed_run_keeps_its_model(string options, string message)
    {
        var (code, _, errors) = TrainGptRun.Run(["train", "--resume", "--out", run.Trained, .. options.Split(' ')]);
        Assert.Equal(1, code);
        Assert.Contains(message, errors);
    }

    [Fact]
    public void An_unknown_model_lists_the_known_ones()
    {
        var (code, _, errors) = TrainGptRun.Run(run.Train("never", "--model", "gpt5"));
        Assert.Equal(2, code);
        Assert.All(["gpt", "llama", "llama-13b"], name => Assert.Contains($"'{name}'", errors));
    }

    [Fact]
    public void Weights_beyond_the_memory_are_refused_before_they_are_made()
    {
        using var device = Device.CreateCpu(threads: 1);
        var config = LlamaConfig.Named("llama-13b") with { Layers = 100_000 };
        Assert.Contains("alone take 1181", Assert.Throws<InputException>(() => ModelChoice.Create(config, device, 1)).Message);
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    private byte[] Bytes(string name) => File.ReadAllBytes(run.File(name, Snapshot.FileName));
}
