using System.Globalization;
using System.Text.RegularExpressions;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>
/// A preset trains as it was published, whoever asks for it: the library and the command line, to the bit, and as the page of optimizers
/// prints it.
/// </summary>
public class PresetTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    /// <summary>More steps by hand: <c>PRESET_STEPS=300 dotnet test --filter PresetTests</c>.</summary>
    private static readonly int steps = int.Parse(Environment.GetEnvironmentVariable("PRESET_STEPS") ?? "20", CultureInfo.InvariantCulture);

    public static TheoryData<string, string?> Forms
    {
        get
        {
            var data = new TheoryData<string, string?>();
            foreach (string name in Recipes.Names)
                foreach (string? preset in (string?[])[null, .. Recipes.Presets(name).Keys]) data.Add(name, preset);
            return data;
        }
    }

    [Fact]
    public void Presets_are_the_static_properties_of_a_rule()
    {
        Assert.Equal(
            [
                "adafactor: hugging-face, torch", "adalomo: ", "adamw: hugging-face", "apollo: official, python-port, julia",
                "apollo-mini: official", "galore: official", "lomo: ",
                "muon: keller-jordan, torch, moonlight, julia, dion", "normuon: official, dion, nanochat", "sgd: ",
            ],
            Recipes.Names.Select(n => $"{n}: {string.Join(", ", Recipes.Presets(n).Keys)}"));
        Assert.Same(Muon.KellerJordan, Recipes.Get("muon", "keller-jordan"));
        Assert.Same(Apollo.OfficialMini, Recipes.Get("apollo-mini", "official"));
        Assert.Contains("keller-jordan, torch", Assert.Throws<ArgumentException>(() => Recipes.Get("muon", "x")).Message);
        Assert.Contains("adafactor, adalomo", Assert.Throws<ArgumentException>(() => Recipes.Get("x")).Message);
    }

    [Fact]
    public void The_page_prints_each_preset_as_it_trains()
    {
        if (DocsTests.Root is null) return;
        string page = File.ReadAllText(Path.Combine(DocsTests.Root, "docs/optimizers/presets.md"));
        string[] forms = [.. Recipes.Names.SelectMany(n => (string?[])[null, .. Recipes.Presets(n).Keys], (n, p) => Printed(n, p))];
        Assert.All(forms, form => Assert.True(page.Contains(form), $"docs/optimizers/presets.md lacks\n{form}"));
        Assert.Equal(forms.Length, page.Split(", learning rate ").Length - 1);
    }

    /// <summary>The same plan, and after some steps the same weights to the bit.</summary>
    [Theory, MemberData(nameof(Forms))]
    public void The_command_line_trains_as_the_library(string name, string? preset)
    {
        string folder = $"{name}-{preset}";
        string output = TrainGptRun.Good(
        [
            "train", "--data", run.Data, "--out", run.File(folder), "--layers", "1", "--heads", "2", "--width", "16", "--context", "16",
                "--batch", "4",
            "--warm-up", "2", "--threads", "1", "--steps", $"{steps}", "--optimizer", name, .. preset is null ? []
                : new[] { "--preset", preset },
        ]);
        using var device = Device.CreateCpu(threads: 1);
        using var model = Model(device);
        string plan = Train(model, Recipes.Get(name, preset));
        Assert.Contains(plan, output);
        using var saved = Model(device);
        using (var snapshot = Snapshot.Open(run.File(folder))) snapshot.Restore(saved.Parameters());
        foreach (var (ours, theirs) in model.Parameters().Zip(saved.Parameters())) Assert.Equal(ours.Value.ToArray(),
            theirs.Value.ToArray());
    }

    /// <summary>An option that is given changes the preset and its fallback; the learning rate keeps their ratio.</summary>
    [Theory]
    [InlineData("muon --preset moonlight --weight-decay 0.5", "weightDecay 0.5", "weightDecay 0.5", "1x")]
    [InlineData("muon --preset keller-jordan --beta2 0.9 --learning-rate 0.5", "momentum 0.95", "beta2 0.9,", "0.015x")]
    [InlineData("muon --weight-decay 0", "weightDecay 0)", "weightDecay 0)", "0.05x")]
    [InlineData("galore --preset official --rank 4 --refresh 7 --alpha 2", "rank 4, refresh 7, scale 2,", "AdamW(", "1x")]
    [InlineData("apollo --rank 1000", "AdamW(", "AdamW(", "1x")]
    public void Options_change_what_they_name(string options, string hidden, string embedding, string scale)
    {
        string[] lines = TrainGptRun.Good(
        [
            "train", "--data", run.Data, "--out", run.File("options"), "--layers", "1", "--heads", "2", "--width", "16", "--context", "16",
                "--batch", "2",
            "--steps", "1", "--threads", "1", "--optimizer", .. options.Split(' '),
        ]).Split('\n');
        Assert.Contains(hidden, Rule(lines, "Hidden"));
        Assert.Contains(embedding, Rule(lines, "Embedding"));
        Assert.Contains($" {scale} ", lines.Single(l => l.StartsWith("Embedding ")));
    }

    /// <summary>The settings of a role's rule, below the table.</summary>
    private static string Rule(string[] lines, string role)
    {
        string row = lines.Single(l => l.StartsWith(role, StringComparison.Ordinal));
        string name = Regex.Match(row, @"\w+ +\d+ +[\d,]+ +(\w+( \d+)?) ").Groups[1].Value;
        var below = lines.SkipWhile(l => !l.StartsWith($"{name} = ", StringComparison.Ordinal)).ToArray();
        return below[0] + string.Concat(below[1..].TakeWhile(l => l.StartsWith("  ", StringComparison.Ordinal)).Select(l => l[1..]));
    }

    /// <summary>A form as the page has it, for parameters large enough for every rank.</summary>
    private static string Printed(string name, string? preset)
    {
        var rule = Recipes.Get(name, preset);
        using var device = Device.CreateCpu(threads: 1);
        using Parameter hidden = new("hidden", Tensor.Zeros((600, 600), device), Role.Hidden);
        using Parameter table = new("table", Tensor.Zeros((600, 600), device), Role.Embedding);
        var assigned = Route.For(rule).Resolve([hidden, table]);
        var (first, second) = (assigned[0].Rule, assigned[1].Rule);
        string option = preset is null ? "" : $" --preset {preset}";
        string title = string.Create(CultureInfo.InvariantCulture, $"{name}{option}, learning rate {rule.LearningRate}\n");
        string others = string.Create(CultureInfo.InvariantCulture, $"  others  {assigned[1].LearningRateScale}x {second}\n");
        return first == second ? $"{title}  all     1x {first}\n" : $"{title}  hidden  1x {first}\n{others}";
    }

    /// <summary>The command line of a run of the model below.</summary>
    private string[] Small(string folder, int batch, int steps) =>
    [
        "train", "--data", run.Data, "--out", run.File(folder), "--layers", "1", "--heads", "2", "--width", "16", "--context", "16",
        "--batch", $"{batch}", "--steps", $"{steps}", "--threads", "1",
    ];

    private string Train(LanguageModel model, Rule rule)
    {
        var context = new CommandContext(TextReader.Null, TextWriter.Null, TextWriter.Null, new Signals());
        using var corpus = Corpus.Open(new TrainOptions { Data = run.Data }, context);
        var batches = corpus.Tokens(new CharTokenizer(File.ReadAllText(run.Data))).TrainBatches(4, 16, seed: 1);
        using var updater = new Updater(model.Parameters(), Route.For(rule, UpdateMode.Deferred), new UpdaterOptions
        {
            Seed = 1,
            MaxNorm = 1,
            Schedule = new WarmUpCosine(rule.LearningRate, rule.LearningRate / 10, 2, steps),
        });
        for (int i = 0; i < steps; i++)
        {
            using var scope = model.Device.Scope("step");
            updater.Step(() =>
            {
                var (ids, targets) = batches.Get(i, model.Device);
                return model.Loss(ids, targets, total: 4 * 16);
            });
        }

        return updater.Summary();
    }

    private LanguageModel Model(Device device) => new GptConfig
    {
        VocabularySize = new CharTokenizer(File.ReadAllText(run.Data)).VocabularySize, TiedHead = true, Bias = false,
        Layers = 1, Heads = 2, Width = 16, Context = 16,
    }.Create(device, 1);
}
