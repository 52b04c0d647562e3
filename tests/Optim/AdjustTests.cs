using System.Globalization;

namespace Mayfly.Tests;

/// <summary>Learning-rate ratios and settings changed between steps.</summary>
public class AdjustTests
{
    private static readonly Muon muon = new()
    {
        WeightDecay = 0, Fallback = new AdamW { Beta2 = 0.95, WeightDecay = 0 }, FallbackScale = 0.25,
    };

    [Fact]
    public void Muon_takes_hidden_matrices_and_its_fallback_the_rest()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        Parameter[] parameters =
        [
            UpdaterTests.Make(device, "embedding", (5, 4), Role.Embedding), UpdaterTests.Make(device, "hidden", (4, 4)),
            UpdaterTests.Make(device, "column", (4, 1)), UpdaterTests.Make(device, "gain", 4, Role.Gain),
            UpdaterTests.Make(device, "output", (5, 4), Role.Head),
        ];
        var rule = new Muon { Fallback = new AdamW { WeightDecay = 0.1 } };
        var assigned = Route.For(rule, UpdateMode.Deferred).Resolve(parameters);
        Assert.Equal(["AdamW", "Muon", "AdamW", "AdamW", "AdamW"], assigned.Select(a => a.Rule.Name));
        Assert.Equal([0.015, 1, 0.015, 0.015, 0.015], assigned.Select(a => a.LearningRateScale));
        Assert.Equal(new object[] { 0.1, 0.01, 0.1, 0.0, 0.1 }, assigned.Select(a => Value(a.Rule, "weightDecay")));
        Assert.All(assigned, a => Assert.Equal(UpdateMode.Deferred, a.Mode));
        var alone = Route.For(rule with { Fallback = null }).Resolve(parameters);
        Assert.All(alone, a => Assert.Equal(("Muon", 1.0), (a.Rule.Name, a.LearningRateScale)));
    }

    /// <summary>
    /// First steps have sizes that depend on the rate alone: AdamW's is the rate, Muon's one is the rate times the singular value's
    /// image.
    /// </summary>
    [Fact]
    public void The_ratio_is_kept_whatever_the_rate_and_one_rate_can_be_set_alone()
    {
        var once = FirstStep(1, _ => { });
        var doubled = FirstStep(2, _ => { });
        var alone = FirstStep(1, u => Assert.Equal(1, u.Adjust("learningRateScale", 2, of: "Muon")));
        var byName = FirstStep(1, u => Assert.Equal(1, u.Adjust("learningRateScale", 0.5, of: "vec*")));
        var inside = FirstStep(1, u => Assert.Equal(1, u.Adjust("learningRateScale", 0.5, of: "AdamW")));
        Assert.Equal(0.25, once.Vector, 1e-5);
        Assert.Equal((2 * once.Matrix, 2 * once.Vector), doubled);
        Assert.Equal((2 * once.Matrix, once.Vector), alone);
        Assert.Equal((once.Matrix, 2 * once.Vector), byName);
        Assert.Equal(byName, inside);
    }

    /// <summary>The learning rate of the next step, of all rules in proportion or of one; the schedule goes on from there.</summary>
    [Fact]
    public void A_learning_rate_is_set_for_all_in_proportion_or_for_one_rule()
    {
        var both = FirstStep(1, u => Assert.Equal(2, u.Adjust("learningRate", 0.5)));
        var twice = FirstStep(1, u => Assert.Equal((2, 2), (u.Adjust("learningRate", 7), u.Adjust("learningRate", 0.5))));
        var one = FirstStep(1, u => Assert.Equal(1, u.Adjust("AdamW.learningRate", 0.5)));
        var named = FirstStep(1, u => Assert.Equal(1, u.Adjust("learningRate", 0.5, of: "vector")));
        Assert.Equal(FirstStep(0.5, _ => { }), both);
        Assert.Equal(both, twice);
        Assert.Equal((FirstStep(1, _ => { }).Matrix, FirstStep(2, _ => { }).Vector), one);
        Assert.Equal(one, named);
    }

    [Fact]
    public void The_schedule_goes_on_in_proportion()
    {
        using var device = Device.CreateReference();
        using var model = new TinyModel(device);
        var options = new UpdaterOptions { Schedule = new WarmUpLinear(0.1, 0, 0, 10) };
        using var updater = new Updater(model.Parameters, Route.For(new Sgd()), options);
        Assert.Equal(0.09, updater.Step(() => model.Loss(1, 2, 0.1)).LearningRate, 1e-15);
        updater.Adjust("learningRate", 0.04); // half of the schedule's 0.08
        Assert.Equal([0.04, 0.035], new[] { 2, 3 }.Select(i => Math.Round(updater.Step(() => model.Loss(i, 2, 0.1)).LearningRate, 12)));
        while (updater.GlobalStep < 9) updater.Step(() => model.Loss(1, 2, 0.1));
        Assert.Contains("schedule gives step 10 the learning rate 0", Fails<ArgumentException>(() => updater.Adjust("learningRate", 0.1)));
    }

    /// <summary>Of the four parameters Muon steps one and its fallback three.</summary>
    [Theory]
    [InlineData("momentum", "0.5", 1, "Muon.momentum")]
    [InlineData("Muon.weightDecay", "0.5", 1, "Muon.weightDecay")]
    [InlineData("AdamW.weightDecay", "0.5", 3, "AdamW.weightDecay")]
    [InlineData("weightDecay", "0.5", 4, "Muon.weightDecay AdamW.weightDecay")]
    [InlineData("beta2", "0.5", 3, "AdamW.beta2")]
    [InlineData("ClipNorm.limit", "0.5", 4, "ClipNorm.limit")]
    [InlineData("scale", "MatchRms", 1, "Muon.scale")]
    [InlineData("nesterov", "false", 1, "Muon.nesterov")]
    [InlineData("newtonSchulz.steps", "4", 1, "Muon.newtonSchulz.steps")]
    [InlineData("steps", "4", 1, "Muon.newtonSchulz.steps")]
    [InlineData("biasCorrection", "none", 3, "AdamW.biasCorrection")]
    public void A_setting_is_changed_wherever_it_is(string key, string value, int count, string changed)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, RuleTable.Everywhere(new Chain(new ClipNorm(3), muon), UpdateMode.Eager));
        updater.Step(() => model.Loss(1, 2, 0.1));
        Dictionary<string, string> Now() =>
            updater.Assignments.SelectMany(a => a.Rule.Texts).DistinctBy(s => s.Key).ToDictionary(s => s.Key, s => s.Text);
        var before = Now();
        Assert.Equal(count, updater.Adjust(key, value));
        var now = Now();
        Assert.Equal(changed.Split(' ').Order(), now.Where(s => before[s.Key] != s.Value).Select(s => s.Key).Order());
        Assert.All(changed.Split(' '), name => Assert.Equal(value, now[name], ignoreCase: true));
        updater.Step(() => model.Loss(2, 2, 0.1));
    }

    /// <summary>Every setting, read by its name as it is printed, goes in again to the bit, and any other value of it does too.</summary>
    [Fact]
    public void Every_setting_can_be_changed_alone()
    {
        Rule[] more = [new ClipNorm(2), new ClipValue(2), new NormGrowthCap(), .. Recipes.Names.SelectMany(n => Recipes.Presets(n).Values)];
        int tried = 0;
        foreach (var rule in RuleTable.Lines.Select(line => line.Make()).Where(rule => rule is not Chain).Concat(more))
            foreach (var (key, text) in rule.Texts)
            {
                Assert.Equal(rule, rule.Adjusted($"{rule.Name}.{key}", text));
                if (Other(key, text) is not { } other) continue;
                var changed = rule.Adjusted(key.Contains('.') ? key : $"{rule.Name}.{key}", other);
                Assert.True(changed is not null, $"{rule.Name} prints {key} and cannot change it");
                Assert.Equal(rule.Texts.Select(s => s.Key == key ? (key, other) : s), changed.Texts);
                Assert.NotEqual(rule, changed);
                tried++;
            }

        Assert.True(tried > 300, $"{tried}");
    }

    /// <summary>Another value; null for a choice, which has its own names, and for what stands for nothing.</summary>
    private static string? Other(string key, string text) => text switch
    {
        "true" => "false",
        "false" => "true",
        "quarter" or "sqrt" => "3",
        _ when !double.TryParse(text, CultureInfo.InvariantCulture, out double number) => null,
        _ when key.EndsWith("decayRate") => "-0.5",
        _ when key.EndsWith("gamma") || key.EndsWith("limit") => "2.5",
        _ when key is "rank" or "refresh" or "split" or "newtonSchulz.steps" => $"{int.Parse(text) + 1}",
        _ when key.EndsWith("ormFactor", StringComparison.Ordinal) => "1.25",
        _ => "0.125",
    };

    /// <summary>Equal settings are equal rules, and only they print alike.</summary>
    [Fact]
    public void Rules_are_equal_by_their_settings()
    {
        Assert.Equal<Rule>(new AdamW { Beta2 = 0.99 }, new AdamW { Beta2 = 0.99 });
        Assert.Equal<Rule>(new Chain(new ClipNorm(1), new Apollo()), new Chain(new ClipNorm(1), new Apollo()));
        Assert.NotEqual<Rule>(new Chain(new ClipNorm(1), new Apollo()), new Chain(new ClipNorm(2), new Apollo()));
        Rule[] presets = [.. Recipes.Names.SelectMany(n => Recipes.Presets(n).Values), new Apollo(), new Muon(), new AdamW(), new GaLore()];
        Assert.Equal(presets.Distinct().Count(), presets.Select(r => $"{r} {r.Fallback}").Distinct().Count());
        Assert.NotEqual($"{new AdamW()}", $"{new AdamW { Decay = DecayForm.After }}");
    }

    /// <summary>A setting that a state depends on is refused where it would change it, whatever the rule.</summary>
    [Theory]
    [InlineData("sgd", "momentum", "0")]
    [InlineData("galore", "rank", "3")]
    [InlineData("apollo", "rank", "3")]
    [InlineData("apollo", "storeProjection", "true")]
    [InlineData("adafactor", "beta1", "0.9")]
    [InlineData("sgd", "nesterov", "sideways")]
    [InlineData("apollo", "side", "Top")]
    [InlineData("apollo", "limiter", "1")]
    public void What_needs_another_state_or_is_no_value_is_refused(string name, string key, string value)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var weight = UpdaterTests.Make(device, "w", (8, 12));
        var rule = Recipes.Get(name);
        using var updater = new Updater([weight], Route.For(rule.Adjusted("GaLore.rank", "2") ?? rule));
        string before = updater.Describe(), message = Fails<ArgumentException>(() => updater.Adjust(key, value));
        Assert.Contains(key, message);
        Assert.Equal(before, updater.Describe());
    }

    [Fact]
    public void Wrong_adjustments_are_named_and_change_nothing()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, Route.Default(new Sgd()));
        string before = updater.Describe(), unknown = Fails<ArgumentException>(() => updater.Adjust("beta1", 0.5));
        Assert.All(["beta1", "'*'", "learningRateScale", "Sgd(momentum 0", "nesterov"], part => Assert.Contains(part, unknown));
        Assert.Contains("'Muon'", Fails<ArgumentException>(() => updater.Adjust("momentum", 0.5, of: "Muon")));
        Assert.Contains("another state", Fails<ArgumentException>(() => updater.Adjust("momentum", 0.5)));
        Assert.Contains("dampening is 2", Fails<ArgumentOutOfRangeException>(() => updater.Adjust("dampening", 2)));
        Assert.Contains("factor -1", Fails<ArgumentOutOfRangeException>(() => updater.Adjust("learningRateScale", -1)));
        Assert.Equal(before, updater.Describe());
        updater.Begin();
        Assert.Contains("in the middle of step 1", Fails<InvalidOperationException>(() => updater.Adjust("learningRateScale", 1)));
    }

    private static string Fails<T>(Action action) where T : Exception => Assert.Throws<T>(action).Message;

    private static object? Value(Rule rule, string key) => rule.Settings.Single(s => s.Key == key).Value;

    /// <summary>How far a first step moves the first element of a matrix and of a vector.</summary>
    private static (double Matrix, double Vector) FirstStep(double rate, Action<Updater> adjust)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        using Parameter matrix = new("matrix", Tensor.Zeros((2, 2), device), Role.Hidden);
        using Parameter vector = new("vector", Tensor.Zeros(2, device), Role.Gain);
        using var updater = new Updater([matrix, vector], Route.For(muon), new UpdaterOptions { Schedule = rate });
        adjust(updater);
        updater.Step(() => matrix.Value.Sum() + vector.Value.Sum());
        return (-matrix.Value.ToArray<double>()[0], -vector.Value.ToArray<double>()[0]);
    }
}
