using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>Every option that a record declares, found by reflection: in help, in files, out of range, at a snapshot.</summary>
public class TrainGptOptionsTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private static readonly TrainOptions Usual = new TrainOptions().Used();

    public static TheoryData<string> Names => [.. Declaration.Of<TrainOptions>().Select(option => option.Name)];

    public static IEnumerable<object[]> OutOfRange =>
        [.. Beyond<TrainOptions>("train"), .. Beyond<GenerateOptions>("generate"), .. Beyond<EvaluateOptions>("evaluate")];

    public static TheoryData<string> Settings =>
    [
        "", "--model llama", "--model llama --kv-heads 2 --hidden 96", "--model llama-60m", "--model gpt2-124m --context 64",
            "--mode eager", "--optimizer sgd",
        "--mode eager --clip-mode two-pass", "--clip 0", "--optimizer muon --preset moonlight", "--optimizer apollo --rank 4",
            "--learning-rate 1e-5",
        "--layers 6 --width 96 --heads 3 --tied false", "--optimizer galore --preset official --weight-decay 0.3 --min-learning-rate 0",
    ];

    [Fact]
    public void Each_is_in_the_help_of_its_command_with_its_default()
    {
        InHelp<TrainOptions>("train");
        InHelp<GenerateOptions>("generate");
        InHelp<EvaluateOptions>("evaluate");
        InHelp<ReportOptions>("report");
    }

    [Theory]
    [InlineData("train")]
    [InlineData("evaluate")]
    public void The_help_of_data_lists_its_kinds(string command) => Assert.Contains(
        "a UTF-8 text file; a .parquet file with such columns; a .jsonl file of objects with a field text, prompt and completion, or "
            + "messages, each also as .gz; or a folder of these; token ids in a .bin file, a folder of",
        Regex.Replace(TrainGptRun.Good(command, "--help"), @"\s+", " "));

    [Fact]
    public void Help_shows_numbers_that_options_take_in_every_culture()
    {
        string expected = TrainGptRun.Good("train", "--help");
        var (before, commas) = (CultureInfo.CurrentCulture, (CultureInfo)CultureInfo.InvariantCulture.Clone());
        (commas.NumberFormat.NumberDecimalSeparator, commas.NumberFormat.NumberGroupSeparator) = (",", ".");
        try
        {
            CultureInfo.CurrentCulture = commas;
            Assert.Equal(expected, TrainGptRun.Good("train", "--help"));
            Assert.Contains("--dropout 1.5 is out of range; give a value from 0 to 0.99.", TrainGptRun.Run("train", "--dropout", "1.5")
                .Errors);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Each_is_in_the_configuration_unless_it_is_of_one_call(string name) =>
        Assert.Equal(Option(name).Phase != Phase.Call, Configuration(run.Trained).ContainsKey(name));

    [Fact]
    public void The_configuration_says_what_the_run_used()
    {
        var json = Configuration(run.Trained);
        string Used(string name) => json[name]?.ToString() ?? "none";
        foreach (var (name, value) in new[]
                 {
                     ("learning-rate", "0.01"), ("min-learning-rate", "0.001"), ("clip", "1"), ("hidden", "64"), ("kv-heads", "2"),
                         ("tied", "true"), ("device", "cpu"),
                     ("seed", "1"), ("read-every", "1"), ("data", run.Data), ("validation", "none"), ("mode", "deferred"),
                 })
            Assert.Equal(value, Used(name));
        Assert.Equal(File.ReadAllText(run.Data).Distinct().Count(), (int)json["vocabulary"]!);
        Assert.Matches("^[0-9a-f]{32}$", Used("data-hash"));
        string page = run.File("settings.html");
        TrainGptRun.Good("report", "--out", run.Trained, "--report", page);
        string text = File.ReadAllText(page);
        Assert.All(json, setting => Assert.Contains($"<dt>{setting.Key.TrimStart('/', ' ')}</dt><dd>{Used(setting.Key)}</dd>", text));
        Assert.StartsWith("AdamW(beta1 0.9, beta2 0.99,", Used("// rule"));
    }

    [Theory, MemberData(nameof(OutOfRange))]
    public void Each_value_out_of_range_is_named_in_one_line(string command, string given)
    {
        string[] option = given.Split(' ');
        var (code, _, errors) = TrainGptRun.Run(command == "train" ? run.Train("never", option)
            : [command, "--out", run.Trained, .. option]);
        Assert.Equal(1, code);
        Assert.StartsWith($"error: {given} is out of range; give a value ", errors);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
    }

    [Theory, MemberData(nameof(Names))]
    public void Each_comes_back_from_a_configuration_file(string name)
    {
        var option = Option(name);
        if (option.Phase == Phase.Call) return;
        var options = option.With(Usual, option.Read([Other(option, Usual)]));
        Assert.NotEqual(Usual, options);
        string file = run.Write($"{name}.json", ConfigurationFile.Write(options, Phase.Place).ToJsonString());
        Assert.Equal(options, ConfigurationFile.Read(file).Over(new TrainOptions()));
    }

    [Theory, MemberData(nameof(Settings))]
    public void Settings_as_used_stay_those_when_they_come_back(string given)
    {
        var used = Read(given).Used();
        used.Check();
        Assert.Equal(used, used.Used());
        Assert.Equal(used, Declaration.Loosen(used).Used());
    }

    [Theory]
    [InlineData("--optimizer sgd", "learning-rate", "0.1")]
    [InlineData("--model llama", "tied", "false")]
    [InlineData("--mode eager", "clip", "0")]
    [InlineData("--width 64", "hidden", "256")]
    [InlineData("--learning-rate 0.5", "min-learning-rate", "0.05")]
    [InlineData("--model llama-60m", "layers", "8")]
    public void What_was_left_to_others_follows_them_over_a_configuration_too(string given, string follows, string value) =>
        Assert.Equal(value, SettingText.Write(Option(follows).Get(Read(given, Declaration.Loosen(Usual)).Used())));

    [Theory, MemberData(nameof(Names))]
    public void Each_is_refused_said_or_free_at_a_snapshot(string name)
    {
        var option = Option(name);
        if (name is "out" or "device" or "precision") return; // the folder itself; and no other device is on every machine
        string folder = Copy(run.Trained, $"at-{name}"), other = name switch
        {
            "data" => run.Write("same.txt", File.ReadAllText(run.Data)),
            "config" => run.Write("nothing.json", "{}"),
            "resident" => "2GiB",
            _ => Other(option, ConfigurationFile.Read(Path.Combine(run.Trained, "config.json")).Over(new TrainOptions())),
        };
        string[] with = name == "stream-folder" ? ["--resident", "2GiB"] : [];
        string[] steps = name == "steps" ? [] : ["--steps", "21", .. with];
        string[] resume = name == "resume" ? [] : ["--resume"];
        string was = Configuration(run.Trained)[name]?.ToString() ?? "none";
        var (code, output, errors) = TrainGptRun.Run(["train", .. resume, "--out", folder, .. steps, $"--{name}", other]);
        if (name == "validation") Assert.Contains("validation.other", errors); // it has to be there, and other data
        else if (option.Phase >= Phase.Run) Assert.Matches($"^error: --{name} {Regex.Escape(other)} .*{Regex.Escape(was)}.*\n$", errors);
        else Assert.Equal("", errors);
        Assert.Equal(errors == "" ? 0 : 1, code);
        Assert.Equal(option.Phase == Phase.Course && code == 0,
            Regex.IsMatch(output, $"Changed from here on: (.*, )?--{name} {Regex.Escape(was)} -> {Regex.Escape(other)}[,.]"));
    }

    [Theory]
    [InlineData("--resume")]
    [InlineData("--config")]
    public void Other_data_under_the_same_name_is_refused(string again)
    {
        string data = run.Write("grows.txt", TrainGptRun.Text(3000)), name = $"grown{again}";
        TrainGptRun.RunUntil("step 10 of 20", run.TrainOn(data, name));
        string[] args = [again, .. again == "--config" ? [run.File(name, "config.json")] : Array.Empty<string>(), "--out", run.File(name)];
        string hash = Configuration(run.File(name))["data-hash"]!.ToString();
        File.AppendAllText(data, "the cat");
        var (code, _, errors) = TrainGptRun.Run(args);
        Assert.Equal(1, code);
        Assert.Matches($"^error: --data-hash {hash} is not that of '.*grows.txt', which has [0-9a-f]{{32}}", errors);
        Assert.Equal(again == "--config" ? 0 : 1, TrainGptRun.Run([.. args, "--data", run.Data]).Code); // an option comes before the file
    }

    [Fact]
    public void The_hash_is_that_of_the_ids_and_of_where_validation_begins()
    {
        int[] ids = [.. Enumerable.Range(0, 50_000).Select(i => i % 97)];
        string whole = DataHash.Of(new TokenStream(ids));
        Assert.Equal(whole,
            DataHash.Of(new TokenStream(new MemoryTokens(ids.AsMemory(0, 45_000)), new MemoryTokens(ids.AsMemory(45_000)))));
        Assert.NotEqual(whole,
            DataHash.Of(new TokenStream(new MemoryTokens(ids.AsMemory(0, 44_000)), new MemoryTokens(ids.AsMemory(44_000)))));
        ids[^1]++;
        Assert.NotEqual(whole, DataHash.Of(new TokenStream(ids)));
        int[] many = new int[(1 << 22) + 7]; // more than a piece
        string zeros = DataHash.Of(new TokenStream(new MemoryTokens(many), new MemoryTokens(ids)));
        foreach (int place in new[] { 0, 1 << 22, many.Length - 1 })
        {
            many[place] = 1;
            Assert.NotEqual(zeros, DataHash.Of(new TokenStream(new MemoryTokens(many), new MemoryTokens(ids))));
            many[place] = 0;
        }
    }

    [Fact]
    public void A_run_goes_on_in_another_folder_and_mode_to_the_same_bits()
    {
        TrainGptRun.Good(run.Train("far", "--clip", "0"));
        TrainGptRun.RunUntil("step 10 of 20", run.Train("near", "--clip", "0"));
        string output = TrainGptRun.Good("train", "--resume", "--out", run.File("near"), "--mode", "eager", "--checkpoint-blocks");
        Assert.Contains("Changed from here on: --checkpoint-blocks none -> all, --mode deferred -> eager.", output);
        Assert.Equal(Losses("far"), Losses("near"));
    }

    [Fact]
    public void Settings_of_an_earlier_snapshot_are_read_by_their_old_names()
    {
        var json = new JsonObject { ["Data"] = "/x", ["KvHeads"] = null, ["Layers"] = 2, ["ClipMode"] = "two-pass", ["Mode"] = "eager",
            ["Beta1"] = 0.5 };
        var expected = new TrainOptions { Data = Path.GetFullPath("/x"), Layers = 2, ClipMode = EagerClip.TwoPass, Mode = UpdateMode.Eager,
            Beta1 = 0.5 };
        Assert.Equal(expected, ConfigurationFile.Read("snapshot", json).Over(new TrainOptions()));
    }

    [Theory]
    [InlineData("adamw", "0.9 0.99 0.1")]
    [InlineData("sgd", "0.9 none 0.1")]
    [InlineData("muon", "0.9 0.99 0.1")]
    [InlineData("lomo", "none none 0.1")]
    [InlineData("adalomo", "none none 0.1")]
    [InlineData("adafactor", "none none 0.1")]
    public void Settings_that_an_earlier_version_kept_and_ignored_are_left_out(string optimizer, string kept)
    {
        var saved = new TrainOptions { Optimizer = optimizer, Beta1 = 0.9, Beta2 = 0.99, WeightDecay = 0.1 };
        var fitting = OptimizerChoice.Fitting(saved);
        Assert.Equal(kept, string.Join(' ', new object?[] { fitting.Beta1, fitting.Beta2, fitting.WeightDecay }.Select(SettingText.Write)));
        fitting.Check();
    }

    [Theory]
    [InlineData("--rank auto", "quarter")]
    [InlineData("--rank quarter", "quarter")]
    [InlineData("--rank sqrt", null)]
    public void What_means_the_same_may_be_given_at_a_snapshot(string words, string? used)
    {
        var saved = new TrainOptions { Optimizer = "apollo" }.Used();
        var given = Words(words);
        var asked = given.Over(Declaration.Loosen(saved));
        if (used is null) Assert.Throws<InputException>(() => Resumption.CheckSame(asked, saved, given, "snapshot"));
        else Resumption.CheckSame(asked, saved, given, "snapshot");
        Assert.Equal(used ?? asked.Rank, asked.Used().Rank);
    }

    private static void InHelp<T>(string command) where T : CommandOptions, new()
    {
        string help = Regex.Replace(TrainGptRun.Good(command, "--help"), @"\s+", " ");
        foreach (var option in Declaration.Of<T>())
        {
            var found = Regex.Match(help, $@" --{option.Name} <[^>]+> [A-Z][^\[]*\. \[default: ([^\]]+)\]");
            Assert.True(found.Success, $"{command} --{option.Name}: {help}");
            if (option.Get(new T()) is { } value) Assert.Equal(value is string[] ? found.Groups[1].Value
                : SettingText.Write(value), found.Groups[1].Value);
        }
    }

    private static IEnumerable<object[]> Beyond<T>(string command) where T : CommandOptions, new() =>
        from option in Declaration.Of<T>()
        let range = option.Range
        from value in new[] { range.Min - 1, range.Max <= int.MaxValue ? range.Max + 1 : 2 * range.Max }
        where double.IsFinite(value)
        select new object[] { command, $"--{option.Name} {SettingText.Write(value)}" };

    private static TrainOptions Read(string given, TrainOptions? start = null) => Words(given).Over(start ?? new TrainOptions());

    private static Given Words(string given)
    {
        var values = given.Split(" --", StringSplitOptions.RemoveEmptyEntries).Select(word => word.TrimStart('-').Split(' '));
        return new Given([.. values.Select(v => (Option(v[0]), Option(v[0]).Read(v[1..])))]);
    }

    private static Declaration Option(string name) => Declaration.Of<TrainOptions>().Single(option => option.Name == name);

    /// <summary>A word for another value, within the range.</summary>
    private string Other(Declaration option, TrainOptions than)
    {
        object? now = option.Get(than);
        if (option.Words.Length > 0) return option.Words.First(word => word != SettingText.Write(now));
        return now switch
        {
            bool flag => flag ? "false" : "true",
            CheckpointChoice => "every-2",
            int or long or ulong => SettingText.Write(Convert.ToDouble(now, CultureInfo.InvariantCulture) + 1),
            double number => SettingText.Write(number == 0 ? 0.5 : number / 2),
            null when option.Kind == "true|false" => "true",
            null when double.IsFinite(option.Range.Min) => SettingText.Write(Math.Max(1, Math.Ceiling(option.Range.Min))),
            _ => run.File($"{option.Name}.other"),
        };
    }

    private string Copy(string folder, string name)
    {
        string copy = run.File(name);
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(folder)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)), overwrite: true);
        return copy;
    }

    private string[] Losses(string name) =>
        [.. File.ReadLines(run.File(name, "log.csv")).Select(line => string.Join(',', line.Split(',').Take(3)))];

    private static JsonObject Configuration(string folder) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
}
