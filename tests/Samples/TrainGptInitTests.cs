using System.Globalization;

namespace Mayfly.Tests;

/// <summary><c>--init</c>: models that others trained, by the user's door.</summary>
public class TrainGptInitTests
{
    private const string Story = "Once upon a time, there was a little girl named Lily.";

    private static readonly string[] Forms = ["data/stories260K.bin", "data/stories260K-f32.gguf", "data/hf-llama/model.safetensors"];

    [Fact]
    public void A_story_is_told_by_every_form_of_the_model()
    {
        string[] greedy = ["--temperature", "0", "--tokens", "40", "--threads", "1"];
        string[] told = [.. Forms.Select(form => TrainGptRun.Good(["generate", "--init", SharedFile.Get(form), .. greedy]))];
        string[] prompted = [.. Forms.Select(form =>
            TrainGptRun.Good(["generate", "--init", SharedFile.Get(form), "--prompt", "Tom and his dog", .. greedy]))];
        Assert.StartsWith(Story, Assert.Single(told.Distinct()));
        Assert.StartsWith("Tom and his dog, Max, who lived in a big house.", Assert.Single(prompted.Distinct()));
    }

    [Fact]
    public void Perplexity_is_that_of_another_program()
    {
        using var folder = new TemporaryFolder();
        string text = File.ReadAllText(SharedFile.Get("data/tinyshakespeare.txt"))[..6000];
        string data = folder.Write("text.txt", text);
        string line = TrainGptRun.Good("evaluate", "--init", SharedFile.Get("data/stories260K.bin"), "--data", data);
        double perplexity = double.Parse(line.Split("perplexity ")[1].Split([' ', ','])[0], CultureInfo.InvariantCulture);
        Assert.InRange(perplexity, 56.47 - 2 * 5.36, 56.47 + 2 * 5.36); // llama.cpp's, over other windows
    }

    [Fact]
    public void Training_goes_on_from_its_weights_and_resumes()
    {
        using var folder = new TemporaryFolder();
        string path = SharedFile.Get("data/stories260K.bin");
        string data = folder.Write("text.txt", File.ReadAllText(SharedFile.Get("data/tinyshakespeare.txt"))[..20_000]);
        string[] train = ["train", "--init", path, "--data", data, "--context", "64", "--batch", "4", "--learning-rate", "1e-3",
            "--warm-up", "2", "--optimizer", "apollo-mini", "--mode", "eager"];
        double Loss(string name) => double.Parse(TrainGptRun.Good("evaluate", "--out", folder.File(name), "--data", data)
            .Split("loss ")[1].Split([' ', ','])[0], CultureInfo.InvariantCulture);

        string output = TrainGptRun.Good([.. train, "--out", folder.File("a"), "--steps", "12"]);
        Assert.Contains("Model: llama, layers 5, heads 8, width 64, context 64", output);
        TrainGptRun.Good([.. train, "--out", folder.File("one"), "--steps", "1"]);
        Assert.InRange(Loss("one"), 3.0, 5.0); // the perplexity of another author's text, not of noise: ln 512 is 6.2
        Assert.True(Loss("a") < Loss("one"));
        Assert.Contains("Goes on after step 12.", TrainGptRun.Good("train", "--resume", "--out", folder.File("a"), "--steps", "14"));
        Fails("--layers 3 contradicts --init", [.. train, "--layers", "3", "--out", folder.File("b")]);
        Fails("--context 1024 contradicts --init", "train", "--init", path, "--data", data, "--context", "1024", "--out", folder.File("b"));
    }

    [Fact]
    public void What_is_missing_or_does_not_fit_is_one_line()
    {
        string path = SharedFile.Get("data/stories260K.bin");
        Fails("give what to measure on by --data", "evaluate", "--init", path);
        Fails("There is no model", "generate", "--init", path + "x");
        Fails("more than the 512", "generate", "--init", path, "--tokenizer", "gpt2");
        Fails("--tokenizer is for --init", "generate", "--tokenizer", "gpt2");
        Fails("it is no model that can be read", "generate", "--init", SharedFile.Get("data/tinyshakespeare.txt"));
    }

    private static void Fails(string problem, params string[] args)
    {
        var (code, _, errors) = TrainGptRun.Run(args);
        Assert.Equal(1, code);
        Assert.Contains(problem, errors);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }
}
