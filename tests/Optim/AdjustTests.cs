namespace Mayfly.Tests;

/// <summary>Learning-rate ratios and settings changed between steps.</summary>
public class AdjustTests
{
    private static readonly AdamW fallback = new(0.9, 0.95, 1e-8, 0);
    private static readonly Muon muon = new(new MuonOptions { WeightDecay = 0, Fallback = fallback, FallbackScale = 0.25 });

    [Fact]
    public void Muon_takes_hidden_matrices_and_its_fallback_the_rest()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        Parameter[] parameters =
        [
            UpdaterTests.Make(device, "embedding", (5, 4), Role.Embedding), UpdaterTests.Make(device, "hidden", (4, 4)),
            UpdaterTests.Make(device, "column", (4, 1)), UpdaterTests.Make(device, "gain", 4, Role.Gain), UpdaterTests.Make(device, "output", (5, 4), Role.Head),
        ];
        var rule = new Muon(new MuonOptions { Fallback = new AdamW(weightDecay: 0.1) });
        var assigned = Route.Muon(rule, UpdateMode.Deferred).Resolve(parameters);
        Assert.Equal(["AdamW", "Muon", "AdamW", "AdamW", "AdamW"], assigned.Select(a => a.Rule.Name));
        Assert.Equal([0.015, 1, 0.015, 0.015, 0.015], assigned.Select(a => a.LearningRateScale));
        Assert.Equal([0.1, 0.01, 0.1, 0, 0.1], assigned.Select(a => a.Rule.Settings.Single(s => s.Key == "weightDecay").Value));
        Assert.All(assigned, a => Assert.Equal(UpdateMode.Deferred, a.Mode));
        Assert.Throws<ArgumentException>(() => Route.Muon(new Muon(new MuonOptions { Fallback = null })));
    }

    /// <summary>First steps have sizes that depend on the rate alone: AdamW's is the rate, Muon's one is the rate times the singular value's image.</summary>
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

    [Theory]
    [InlineData("momentum", "Muon momentum 0.5, fallback 0.25")]
    [InlineData("Muon.weightDecay", "Muon decay 0.5, AdamW decay 0")]
    [InlineData("AdamW.weightDecay", "Muon decay 0, AdamW decay 0.5")]
    [InlineData("weightDecay", "Muon decay 0.5, AdamW decay 0.5")]
    [InlineData("beta2", "AdamW beta2 0.5")]
    [InlineData("ClipNorm.limit", "limit 0.5")]
    public void A_setting_is_changed_wherever_it_is(string key, string expected)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, RuleTable.Everywhere(new Chain(new ClipNorm(3), muon), UpdateMode.Eager));
        updater.Step(() => model.Loss(1, 2, 0.1));
        Assert.Equal(4, updater.Adjust(key, 0.5));
        var rule = Assert.IsType<Chain>(Assert.Single(updater.Assignments.Select(a => a.Rule).Distinct()));
        var changed = rule.Rules[1] as Muon;
        string now = expected.Split(' ')[0] switch
        {
            "limit" => $"limit {Value(rule.Rules[0], "limit")}",
            "AdamW" => $"AdamW beta2 {Value(changed!.Options.Fallback!, "beta2")}",
            _ when key == "momentum" => $"Muon momentum {changed!.Options.Momentum}, fallback {changed.Options.FallbackScale}",
            _ => $"Muon decay {changed!.Options.WeightDecay}, AdamW decay {Value(changed.Options.Fallback!, "weightDecay")}",
        };
        Assert.Equal(expected, now);
        updater.Step(() => model.Loss(2, 2, 0.1));
    }

    /// <summary>Every key that is printed can be changed, but for those that would need another state.</summary>
    [Fact]
    public void Every_setting_can_be_changed_alone()
    {
        Rule[] more = [new ClipNorm(2), new ClipValue(2), new NormGrowthCap(), Adafactor.HuggingFace()];
        var refused = new SortedSet<string>();
        foreach (var rule in RuleTable.Lines.Select(line => line.Make()).Where(rule => rule is not Chain).Concat(more))
            foreach (var (key, value) in rule.Settings)
            {
                double other = Other(key, value);
                try
                {
                    var changed = rule.Adjusted($"{rule.Name}.{key}", other);
                    Assert.True(changed is not null, $"{rule.Name} prints {key} and cannot change it");
                    Assert.Equal(rule.Settings.Select(s => s.Key == key ? (key, other) : s), changed.Settings);
                }
                catch (ArgumentException e)
                {
                    Assert.Contains(key, e.Message);
                    refused.Add($"{rule.Name} {key}");
                }
            }

        Assert.Equal(["Adafactor warmupInit", "Apollo refresh", "Apollo-Mini refresh", "GaLore rank", "Sgd momentum", "Sgd-Nesterov dampening"], refused);
    }

    private static double Other(string key, double value) => key switch
    {
        "relativeStep" or "scaleParameter" or "warmupInit" => 1 - value,
        "refresh" or "rank" => value + 1,
        "gamma" or "limit" => value + 0.125,
        "decayRate" => value / 2,
        _ => Math.Min(value / 2 + 0.125, 0.9),
    };

    [Fact]
    public void Wrong_adjustments_are_named_and_change_nothing()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, Route.Default(new Sgd()));
        string before = updater.Describe(), unknown = Fails<ArgumentException>(() => updater.Adjust("beta1", 0.5));
        Assert.All(["beta1", "'*'", "learningRateScale", "Sgd(momentum 0"], part => Assert.Contains(part, unknown));
        Assert.Contains("'Muon'", Fails<ArgumentException>(() => updater.Adjust("momentum", 0.5, of: "Muon")));
        Assert.Contains("cannot go from 0 to 0.5", Fails<ArgumentException>(() => updater.Adjust("momentum", 0.5)));
        Assert.Contains("dampening is 2", Fails<ArgumentOutOfRangeException>(() => updater.Adjust("dampening", 2)));
        Assert.Contains("factor -1", Fails<ArgumentOutOfRangeException>(() => updater.Adjust("learningRateScale", -1)));
        Assert.Equal(before, updater.Describe());
        updater.Begin();
        Assert.Contains("in the middle of step 1", Fails<InvalidOperationException>(() => updater.Adjust("learningRateScale", 1)));
    }

    private static string Fails<T>(Action action) where T : Exception => Assert.Throws<T>(action).Message;

    private static double Value(Rule rule, string key) => rule.Settings.Single(s => s.Key == key).Value;

    /// <summary>How far a first step moves the first element of a matrix and of a vector.</summary>
    private static (double Matrix, double Vector) FirstStep(double rate, Action<Updater> adjust)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        using Parameter matrix = new("matrix", Tensor.Zeros((2, 2), device), Role.Hidden), vector = new("vector", Tensor.Zeros(2, device), Role.Gain);
        using var updater = new Updater([matrix, vector], Route.Muon(muon), new UpdaterOptions { Schedule = rate });
        adjust(updater);
        updater.Step(() => matrix.Value.Sum() + vector.Value.Sum());
        return (-matrix.Value.ToArray<double>()[0], -vector.Value.ToArray<double>()[0]);
    }
}
