namespace Mayfly.Tests;

public class RouteTests
{
    [Fact]
    public void The_first_match_decides_and_parameters_are_numbered()
    {
        using var device = Device.CreateReference();
        using var model = new TinyModel(device);
        Rule byName = new AdamW(), byRole = new Sgd(), rest = new Sgd { Momentum = 0.9 };
        var route = new Route().Add("tied.*", byName, UpdateMode.Deferred, 0.5).Add([Role.Hidden, Role.Gain], byRole).Otherwise(rest);
        var assigned = route.Resolve(model.Parameters);
        Assert.Equal([byName, rest, byRole, rest], assigned.Select(a => a.Rule));
        Assert.Equal([0, 1, 2, 3], model.Parameters.Select(p => p.Index));
        Assert.Equal(new Assignment(model.Tied, byName, UpdateMode.Deferred, 0.5), assigned[0]);
    }

    [Fact]
    public void The_default_route_decays_matrices_only()
    {
        using var device = Device.CreateReference();
        using var model = new TinyModel(device);
        var rules = Route.Default(new Chain(new ClipNorm(1), new AdamW { WeightDecay = 0.1 })).Resolve(model.Parameters).Select(a =>
            a.Rule.ToString());
        string tail = "AdamW(beta1 0.9, beta2 0.999, epsilon 1E-08, weightDecay ";
        Assert.Equal(new[] { "0.1)", "0)", "0)", "0)" }.Select(end => $"ClipNorm(limit 1) -> {tail}{end}"), rules);
    }

    [Fact]
    public void Without_a_schedule_the_rules_usual_learning_rate_counts()
    {
        using var device = Device.CreateReference();
        using var model = new TinyModel(device);
        foreach (Rule rule in (Rule[])[Muon.Moonlight, new Chain(new ClipNorm(1), Muon.KellerJordan), new AdamW { LearningRate = 0.5 }])
        {
            using var usual = new Updater(model.Parameters, Route.For(rule));
            using var given = new Updater(model.Parameters, Route.For(rule), new UpdaterOptions { Schedule = 0.25 });
            Assert.Equal((rule.LearningRate, 0.25), (usual.ScheduledRate(1), given.ScheduledRate(1)));
        }
    }

    [Fact]
    public void A_learning_rate_factor_scales_the_step()
    {
        using var device = Device.CreateReference();
        using var model = new TinyModel(device);
        var before = model.Bias.Value.ToArray();
        using var updater = new Updater(model.Parameters, new Route().Add("bias", new Sgd(), learningRateScale: 0).Otherwise(new Sgd()));
        updater.Step(() => model.Loss(1, 2, 0.1));
        Assert.Equal(before, model.Bias.Value.ToArray());
    }

    /// <summary>Tables of width 4 where rates were found at 16; hidden matrices keep theirs, and the fallback its share.</summary>
    [Fact]
    public void Rates_by_width_scale_embeddings_and_head()
    {
        using var device = Device.CreateCpu(threads: 1);
        var parts = new (Role Role, Shape Shape)[] { (Role.Embedding, (9, 4)), (Role.Hidden, (4, 4)), (Role.Head, (9, 4)), (Role.Gain, 4) };
        Parameter[] parameters = [.. parts.Select(p => new Parameter($"{p.Role}", p.Shape, p.Role, device))];
        Assert.Equal([1, 1, 2, 0.5], Scales(Route.For(Muon.Plain with { FallbackScale = 0.5 }).ByWidth(16, embedding: 0.5, head: 1)));
        Assert.Equal([2, 1, 2, 1], Scales(Route.Default(new AdamW()).ByWidth(16)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Route().ByWidth(0));
        foreach (var parameter in parameters) parameter.Dispose();

        double[] Scales(Route route) => [.. route.Resolve(parameters).Select(a => a.LearningRateScale)];
    }

    [Fact]
    public void The_table_shows_every_parameter_and_the_total()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        model.OutBias.Trainable = false;
        var route = new Route().Add("tied.*", new Sgd { Momentum = 0.9 }, learningRateScale: 2).Otherwise(new Sgd(), UpdateMode.Deferred);
        using var updater = new Updater(model.Parameters, route, new UpdaterOptions { Accumulate = 4 });
        Assert.Equal(
            """
            parameter    role    shape   rule                                           mode      learning rate  state bytes
            tied.weight  Hidden  (5, 7)  Sgd(momentum 0.9, dampening 0, weightDecay 0)  eager     2x                     140
            bias         Bias    (5, 1)  Sgd(momentum 0, dampening 0, weightDecay 0)    deferred  1x                       0
            gain         Gain    (5, 1)  Sgd(momentum 0, dampening 0, weightDecay 0)    deferred  1x                       0
            out.bias     Bias    (7)     frozen                                                                            0
            3 parameters trained, 45 weights, 140 bytes of state; accumulation over 4 micro-batches keeps 180 bytes of gradients
            """,
            updater.Describe());
    }

    [Fact]
    public void The_summary_has_a_line_for_each_way_of_training()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new Gpt(new GptConfig { VocabularySize = 11, Layers = 2, Heads = 2, Width = 8, Context = 4 }, device);
        using var updater = new Updater(model.Parameters(), Route.For(new Muon()),
            new UpdaterOptions { MaxNorm = 1, ClipMode = ClipMode.TwoPass });
        string[] lines = updater.Summary().Split('\n');
        Assert.Equal(["role", "Embedding", "Gain", "Bias", "Hidden", "Head"], lines[..6].Select(l => l.Split(' ')[0]));
        Assert.Matches(@"^Hidden +8 +1,536 +Muon +eager +1x +6,144$", lines[4]);
        Assert.Matches(@"^Gain +5 +40 +AdamW 2 +eager ", lines[2]);
        Assert.StartsWith("AdamW 2 = AdamW(beta1 0.9, ", lines[7]);
        string below = string.Join(' ', lines[6..].Select(line => line.TrimStart()));
        Assert.Contains($"Muon = {new Muon()}", below);
        Assert.EndsWith(updater.Describe().Split('\n')[^1], below);
        Assert.Contains("in two passes: every step runs forward and backward twice", below);
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
    }

    /// <summary>The table of the largest published shape, with a rule behind two limits, is as wide as a terminal.</summary>
    [Fact]
    public void The_summary_fits_a_terminal()
    {
        using var device = Device.CreateCpu(threads: 1);
        using Parameter table = new("tokens.table", Tensor.Zeros((100_000, 100), device), Role.Embedding);
        using Parameter hidden = new("hidden", Tensor.Zeros((3000, 3000), device), Role.Hidden);
        Rule limited = new Chain(new ClipValue(1), new NormGrowthCap(), new Adafactor());
        var route = new Route().Add("hidden", limited, learningRateScale: 0.123).Otherwise(new Adafactor(), UpdateMode.Deferred);
        using var updater = new Updater([table, hidden], route, new UpdaterOptions { Accumulate = 4 });
        Assert.All(updater.Summary().Split('\n'), line => Assert.True(line.Length <= 80, line));
        Assert.Contains("Adafactor 1", updater.Summary());
    }

    [Fact]
    public void Wrong_routes_are_named()
    {
        using var device = Device.CreateReference();
        using var model = new TinyModel(device);
        Assert.Contains("no entry matches bias (5, 1) Bias", Fails(() =>
            new Updater(model.Parameters, new Route().Add("tied.*", new Sgd()))));
        Assert.Contains("two parameters are named bias", Fails(() => new Updater([model.Bias, model.Bias], Route.Default(new Sgd()))));
        Assert.Contains("no parameters", Fails(() => new Updater([], Route.Default(new Sgd()))));
        Assert.Contains("factor -1", Fails(() => new Route().Otherwise(new Sgd(), learningRateScale: -1)));
        Assert.Contains("beta1 is 1.5", Fails(() => new AdamW { Beta1 = 1.5 }));
        Assert.Contains("Nesterov", Fails(() => new Updater(model.Parameters, Route.Default(new Sgd { Nesterov = true }))));
        string eager = Fails(() => new Updater(model.Parameters, Route.Default(new Sgd()), new UpdaterOptions { MaxNorm = 1 }));
        Assert.All(["4 parameters", "tied.weight", "Deferred", "TwoPass", "PreviousNorm", "PerTensor", "ClipNorm", "ClipValue"], part =>
            Assert.Contains(part, eager));
    }

    private static string Fails(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;
}
