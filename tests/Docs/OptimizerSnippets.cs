namespace Mayfly.Tests;

/// <summary>The code that docs/optimizers/README.md, adamw.md, sgd.md, muon.md and normuon.md quote.</summary>
public sealed class OptimizerSnippets : IDisposable
{
    private readonly Device device = Device.CreateCpu(threads: 1);
    private readonly Gpt model;

    public OptimizerSnippets() =>
        model = new Gpt(new GptConfig { VocabularySize = 40, Context = 4, Layers = 1, Heads = 2, Width = 8 }, device);

    public void Dispose()
    {
        model.Dispose();
        device.Dispose();
    }

    [Fact]
    public void AdamW_trains()
    {
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW { WeightDecay = 0.1 }),
            new UpdaterOptions { Schedule = 1e-3 });
        Train(updater);
    }

    [Fact]
    public void Sgd_trains()
    {
        using var updater = new Updater(model.Parameters(), Route.Default(new Sgd { Momentum = 0.9, Nesterov = true }),
            new UpdaterOptions { Schedule = 0.1 });
        Train(updater);
    }

    [Fact]
    public void Muon_trains_hidden_matrices_and_AdamW_the_rest()
    {
        using var updater = new Updater(model.Parameters(), Route.For(new Muon()), new UpdaterOptions { Schedule = 0.02 });
        foreach (var (parameter, rule, _, scale) in updater.Assignments)
            Assert.Equal(parameter.Role == Role.Hidden ? ("Muon", 1) : ("AdamW", 0.015), (rule.Name, scale));
        Train(updater);
        updater.Adjust("learningRate", 0.01);                          // of the next step: the schedule is scaled, ratios are kept
        updater.Adjust("AdamW.learningRate", 1e-4);                    // of what AdamW steps alone
        updater.Adjust("learningRateScale", 0.5, of: "Muon");          // by rule: half the rate for what Muon steps
        updater.Adjust("learningRateScale", 0, of: "blocks.0.*");      // by name: stands still
        updater.Adjust("beta2", 0.95);                                 // in every rule that has a beta2
        updater.Adjust("AdamW.weightDecay", 0);                        // in AdamW only
        Assert.All(updater.Assignments.Where(a => a.Parameter.Name.StartsWith("blocks.0.", StringComparison.Ordinal)), a =>
            Assert.Equal(0, a.LearningRateScale));
        Train(updater);
    }

    [Fact]
    public void NorMuon_trains()
    {
        using var updater = new Updater(model.Parameters(), Route.For(NorMuon.Plain), new UpdaterOptions { Schedule = 0.02 });
        Train(updater);
        var wide = Route.For(Muon.Plain).ByWidth(768);
        Assert.All(wide.Resolve(model.Parameters()).Where(a => a.Parameter.Role == Role.Embedding), a =>
            Assert.Equal(0.05 * Math.Sqrt(768 / 8), a.LearningRateScale, 1e-12));
    }

    [Fact]
    public void Attention_logits_are_clipped()
    {
        using var scope = device.Scope("test");
        Tensor ids = Tensor.From<int>([1, 2, 3, 4], (1, 4), device), targets = Tensor.From<int>([2, 3, 4, 5], (1, 4), device);
        using var updater = new Updater(model.Parameters(), Route.For(new Muon()), new UpdaterOptions { Schedule = 0.02 });
        using var clip = new QkClip(Attention.Watch(model)) { Threshold = 100 };
        updater.Step(() => model.Loss(ids, targets));
        clip.Apply(updater);
        Assert.InRange(clip.Largest, -100, 100);
    }

    [Fact]
    public void A_preset_brings_its_learning_rate_and_fallback()
    {
        var rule = Muon.Moonlight with { Momentum = 0.9 };             // or Recipes.Get("muon", "moonlight")
        using var updater = new Updater(model.Parameters(), Route.For(rule), new UpdaterOptions { Schedule = rule.LearningRate });
        Assert.Equal(Muon.Moonlight, Recipes.Get("muon", "moonlight"));
        Assert.Equal(1e-3, updater.ScheduledRate(1));
        Train(updater);
    }

    [Fact]
    public void Routes_cover_a_model()
    {
        var special = new AdamW { Beta2 = 0.95 };
        var one = Route.Default(new AdamW());                          // gains and biases without decay
        var muon = Route.For(new Muon());                              // Muon for hidden matrices, AdamW for the rest
        var hidden = Route.ForHidden(special, fallback: new AdamW(), fallbackScale: 0.1);
        var own = new Route().Add("*.qkv.weight", special, learningRateScale: 2).Add([Role.Embedding], new Sgd()).Otherwise(new AdamW());
        foreach (var route in new[] { one, muon, hidden, own })
            Assert.Equal(model.Parameters().Count, route.Resolve(model.Parameters()).Count);
        var qkv = model.Parameters().Single(p => p.Name.EndsWith("qkv.weight", StringComparison.Ordinal));
        Assert.Equal((special, 2d), Assigned(own.Resolve(model.Parameters()), qkv));
        Assert.Equal((special, 1d), Assigned(hidden.Resolve(model.Parameters()), qkv));
    }

    private static (Rule Rule, double Scale) Assigned(IReadOnlyList<Assignment> assignments, Parameter parameter)
    {
        var found = assignments.Single(a => a.Parameter == parameter);
        return (found.Rule, found.LearningRateScale);
    }

    private void Train(Updater updater)
    {
        using var scope = device.Scope("test");
        Tensor ids = Tensor.From<int>([1, 2, 3, 4], (1, 4), device), targets = Tensor.From<int>([2, 3, 4, 5], (1, 4), device);
        double first = updater.Step(() => model.Loss(ids, targets)).Loss, last = first;
        for (int i = 0; i < 10; i++) last = updater.Step(() => model.Loss(ids, targets)).Loss;
        Assert.True(last < first, $"{first} to {last}");
    }
}
