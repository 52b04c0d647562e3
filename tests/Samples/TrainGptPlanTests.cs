using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>The plan command and what train does with checkpoints, by the command line.</summary>
public partial class TrainGptPlanTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private static readonly string[] Seven = ["plan", "--model", "llama-7b", "--batch", "1", "--context", "64", "--mode", "eager"];

    [Theory]
    [InlineData("llama-60m", 58_073_600)]
    [InlineData("llama-130m", 134_105_856)]
    [InlineData("llama-350m", 367_969_280)]
    [InlineData("llama-1b", 1_339_082_752)]
    [InlineData("llama-7b", 6_738_415_616)]
    [InlineData("llama-13b", 13_015_864_320)]
    public void Published_models_have_their_parameters(string model, long weights)
    {
        using var device = Device.CreateDry();
        using var made = ModelConfig.Named(model).Create(device);
        Assert.Equal(weights, made.ParameterCount);
        Assert.Equal(weights * sizeof(float), device.Arena.Report.Live(Use.Weight));
    }

    [Fact]
    public void A_model_larger_than_any_memory_is_planned()
    {
        string output = TrainGptRun.Good([.. Seven, "--optimizer", "lomo"]);
        Assert.Contains("llama-7b, layers 32, width 4096, vocabulary 32,000; 6,738,415,616 weights in f32.", output);
        Assert.Matches(@"weights +26,953,662,464 +25\.10 GiB", output);
        Assert.Matches(@"state +0 ", output);
        Assert.Contains("Before activations: 25.59 GiB", output); // weights, and the gradient of the head: 0.49 GiB
        Assert.Contains("The peak comes at the backward of Linear (head.weight), with 500.00 MiB of gradients for head.weight.", output);
    }

    [Fact]
    public void Other_settings_are_shown_with_what_they_take()
    {
        string output = TrainGptRun.Good([.. Seven, "--optimizer", "apollo", "--rank", "256"]);
        foreach (string line in (string[])["as asked for", "--mode deferred", "--checkpoint-blocks all", "--checkpoint-blocks sqrt"])
            Assert.Matches($"{line} +[0-9.]+ GiB", output);
        foreach (string name in Recipes.Names.Except(["apollo"])) Assert.Matches($"--optimizer {name} +[0-9.]+ GiB", output);
        Assert.Matches(@"hidden +Apollo +25,904,021,504 +3,238,002,688 ", output); // rank 256: 809.5 million numbers
        Assert.Matches(@"head +AdamW +524,288,000 +1,048,576,000 ", output);
    }

    /// <summary>The tables of LOMO and of APOLLO, as they were published.</summary>
    [Theory]
    [InlineData("--optimizer lomo --dtype bf16", "Before activations: 13.04 GiB")] // 12.55 and the head's gradient in f32: 0.49
    [InlineData("--optimizer adamw --dtype bf16 --master-weights --mode deferred", "75.31 GiB")]
    [InlineData("--optimizer sgd --dtype bf16", "25.10 GiB")]
    [InlineData("--optimizer apollo --rank 256 --dtype bf16 --state-dtype bf16", " 1,619,001,344 ")]
    [InlineData("--optimizer apollo --rank 256 --dtype bf16 --state-dtype bf16", " 524,288,000  500.00 MiB")]
    public void Published_figures_come_out(string settings, string figure)
    {
        string output = TrainGptRun.Good([.. Seven.Where(word => word is not ("--mode" or "eager")), .. Mode(settings)]);
        Assert.Matches(@"weights +13,477,363,712 +12\.55 GiB", output);
        Assert.Contains(figure, output);
    }

    private static string[] Mode(string settings) =>
        [.. settings.Split(' '), .. settings.Contains("--mode", StringComparison.Ordinal) ? [] : (string[])["--mode", "eager"]];

    /// <summary>
    /// Apollo on LLaMA 7B with queries, keys and values apart, as the figures of its proposal for Julia count them: 1.08 times the weights.
    /// </summary>
    [Theory]
    [InlineData("julia", 27.04)]
    [InlineData("sqrt", 28.62)]
    public void Apollo_of_separate_projections_takes_what_was_proposed(string form, double gibibytes)
    {
        using var device = Device.CreateDry();
        using var model = new ApartLlama(device);
        Assert.Equal(6_738_415_616, model.ParameterCount);
        var rule = form == "julia" ? Apollo.Julia : Apollo.Plain with { Rank = ApolloRank.Sqrt };
        using var updater = new Updater(model.Parameters(), Route.For(rule));
        var report = device.Arena.Report;
        long head = 32000L * 4096 * sizeof(float);
        Assert.Equal(gibibytes, Math.Round((report.Live(Use.Weight) + report.Live(Use.State) + head) / (double)(1L << 30), 2));
    }

    private sealed class ApartLlama : Module
    {
        public ApartLlama(Device device)
        {
            var source = new ParameterSource(device);
            Add("tokens", new Embedding(source, 32000, 4096));
            for (int i = 0; i < 32; i++)
            {
                foreach (string name in (string[])["q", "k", "v", "o"]) Add($"{i}.{name}", new Linear(source, 4096, 4096, bias: false));
                Add($"{i}.mlp", new SwigluMlp(source, 4096, 11008));
                foreach (string name in (string[])["norm1", "norm2"]) Add($"{i}.{name}", new RmsNorm(source, 4096));
            }

            Add("norm", new RmsNorm(source, 4096));
            Add("head", new Linear(source, 4096, 32000, bias: false, Role.Head));
        }

        protected override Tensor Forward(Tensor x) => x;
    }

    [Theory]
    [InlineData("--mode", "deferred")]
    [InlineData("--mode", "eager", "--optimizer", "muon", "--checkpoint-blocks")]
    [InlineData("--accumulate", "2", "--model", "llama")]
    [InlineData("--mode", "eager", "--clip-mode", "two-pass", "--clip", "0.1")]
    public void A_run_takes_what_was_planned(params string[] more)
    {
        string name = string.Join('_', more);
        string[] train = run.Train(name, [.. more, "--steps", "2"]);
        string planned = TrainGptRun.Good(["plan", .. train[1..]]);
        TrainGptRun.Good(train);
        string peak = File.ReadLines(run.File(name, "log.csv")).Skip(1).First().Split(',')[5];
        Assert.Equal(peak, Together().Match(planned).Groups[1].Value.Replace(",", ""));
    }

    [Fact]
    public void The_least_change_that_fits_is_found_and_its_command_works()
    {
        string[] settings = run.Train("fit", "--layers", "12", "--width", "128", "--context", "128");
        string[] plan = ["plan", .. settings[1..]];
        var asked = Resident(TrainGptRun.Good(plan));
        string output = TrainGptRun.Good([.. plan, "--fit", $"{asked - 3}MiB"]);
        string command = output.TrimEnd().Split('\n')[^1];
        Assert.StartsWith("mayfly train ", command);
        Assert.True(Resident(output) <= asked - 3);
        Assert.Equal(Resident(output), Resident(TrainGptRun.Good(["plan", .. command.Split(' ')[2..]])));
    }

    [Fact]
    public void Blocks_are_recomputed_to_stay_within_bytes()
    {
        string[] settings = run.Train("within", "--layers", "12", "--context", "128", "--steps", "1", "--batch", "1");
        double asked = Resident(TrainGptRun.Good(["plan", .. settings[1..]]));
        string[] eager = ["plan", .. settings[1..], "--mode", "eager", "--fit", $"{asked - 1}MiB"];
        Assert.Contains("--checkpoint-blocks first-", TrainGptRun.Good(eager));
        string output = TrainGptRun.Good([.. settings, "--checkpoint-blocks", $"{asked - 0.7:F2}MiB"]);
        Assert.Contains("--checkpoint-blocks first-", output);
        Assert.Matches("\"checkpoint-blocks\": \"first-[0-9]+\"", File.ReadAllText(run.File("within", "config.json")));
    }

    [Theory]
    [InlineData("--fit nothing", "--fit nothing: give bytes, such as 4GiB")]
    [InlineData("--fit 1MiB", "Nothing fits in 1.00 MiB: the least is ")]
    [InlineData("--checkpoint-blocks 1MiB", "not even all blocks")]
    [InlineData("--checkpoint-blocks every-0", "none, all, sqrt, every-N, first-N or bytes")]
    [InlineData("--rank 3", "is a setting of other optimizers")]
    [InlineData("--tokenizer missing.json", "missing.json")]
    public void Says_what_is_wrong_in_one_line(string options, string message)
    {
        var (code, _, errors) = TrainGptRun.Run(["plan", .. run.Train("never", options.Split(' '))[1..]]);
        Assert.NotEqual(0, code);
        Assert.Contains(message, errors);
        Assert.Single(errors.Trim().Split('\n'));
    }

    [Theory]
    [InlineData("eager")]
    [InlineData("deferred")]
    public void The_first_step_is_drawn_and_listed(string mode)
    {
        string name = $"timeline-{mode}", drawing = run.File($"{name}.svg"), list = run.File($"{name}.json");
        string[] train = run.Train(name, "--mode", mode, "--steps", "2");
        TrainGptRun.Good([.. train, "--memory-timeline", drawing]);
        TrainGptRun.Good([.. train, "--memory-timeline", list]);
        string text = File.ReadAllText(drawing);
        Assert.Equal("svg", XDocument.Parse(text).Root!.Name.LocalName);
        Assert.Contains(">eager: ", text);
        Assert.Contains(">deferred: ", text);
        var steps = JsonNode.Parse(File.ReadAllText(list))!["steps"]!.AsArray();
        Assert.Equal(["eager", "deferred"], steps.Select(step => (string)step!["title"]!));
        string peak = File.ReadLines(run.File(name, "log.csv")).Skip(1).First().Split(',')[5];
        Assert.Equal(peak, steps.Single(step => (string)step!["title"]! == mode)!["peak"]!.ToString());
        Assert.All(steps, step => Assert.Equal(0, Gradients(step!)[^1])); // all given back
        Assert.True(Gradients(steps[0]!).Max() < Gradients(steps[1]!).Max() / 2);
    }

    [Fact]
    public void A_report_shows_the_memory_of_a_step()
    {
        string page = run.File("memory.html");
        TrainGptRun.Good("report", "--out", run.Trained, "--report", page);
        Assert.Contains(XDocument.Load(page).Descendants(), element => element is { Name.LocalName: "h2", Value: "Memory over a step" });
    }

    [Fact]
    public void A_drawing_that_cannot_be_written_is_said_before_the_run()
    {
        var (code, _, errors) = TrainGptRun.Run(run.Train("folder-as-drawing", "--memory-timeline", run.Trained));
        Assert.Equal(1, code);
        Assert.Single(errors.Trim().Split('\n'));
        Assert.False(File.Exists(run.File("folder-as-drawing", "log.csv")));
    }

    /// <summary>Live bytes of gradients after each event.</summary>
    private static long[] Gradients(JsonNode step)
    {
        long live = (long)step["start"]!["gradient"]!;
        return [.. step["events"]!.AsArray().Select(e => live += (string)e!["use"]! == "gradient" ? (long)e["bytes"]! : 0)];
    }

    [Fact]
    public void A_run_is_planned_from_its_folder() => Assert.Matches(
        "together +[0-9,]+", TrainGptRun.Good("plan", "--resume", "--out", run.Trained, "--data", run.Data));

    private static double Resident(string output) =>
        double.Parse(ResidentLine().Match(output).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex(@"together +([0-9,]+)")]
    private static partial Regex Together();

    [GeneratedRegex(@"Resident memory: about ([0-9.]+) MiB")]
    private static partial Regex ResidentLine();
}
