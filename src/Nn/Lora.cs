using System.IO.Enumeration;

namespace Mayfly;

/// <summary>Which linear layers get a low-rank adapter, and what it is like.</summary>
public sealed record LoraOptions
{
    /// <summary>r, the size between both matrices of an adapter.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>The adapter's result is scaled by alpha / rank.</summary>
    public double Alpha { get; init; } = 16;

    /// <summary>The part of the adapters' inputs that training sets to zero.</summary>
    public float Dropout { get; init; }

    /// <summary>
    /// Names of layers, with * for any text and ? for one letter: the last part of a path, as <c>q</c>, <c>v</c>, <c>projection</c> or
    /// <c>gate</c>, or a whole one, as <c>blocks.0.attention.q</c>. Queries, keys and values are layers of their own.
    /// </summary>
    public IReadOnlyList<string> Targets { get; init; } = ["q", "v"];

    /// <summary>The seed of the initial values.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Refuses what is impossible.</summary>
    /// <exception cref="ArgumentException">A field is; the message names it.</exception>
    public void Check()
    {
        if (Rank < 1) throw new ArgumentException($"LoraOptions: Rank is {Rank}; give at least 1.");
        if (!(double.IsFinite(Alpha) && Alpha > 0)) throw new ArgumentException($"LoraOptions: Alpha is {Alpha}; give a number above 0.");
        if (!(Dropout >= 0 && Dropout < 1)) throw new ArgumentException($"LoraOptions: Dropout is {Dropout}; give a part in [0, 1).");
        if (Targets.Count == 0) throw new ArgumentException("LoraOptions: there are no Targets; give at least one.");
    }
}

/// <summary>
/// Low-rank adapters (Hu et al. 2022) beside the linear layers of a model, whose own weights are frozen: no gradient, no optimizer state.
/// </summary>
public static class Lora
{
    /// <summary>
    /// Puts an adapter beside each linear layer that a target names and freezes all else. At first an adapter adds nothing: B is zero. An
    /// updater is made after it.
    /// </summary>
    /// <returns>The adapters, each a part of the model.</returns>
    /// <exception cref="ArgumentException">An option is impossible, or a target names no linear layer.</exception>
    public static IReadOnlyList<LoraLinear> Apply(Module model, LoraOptions options)
    {
        options.Check();
        var known = Layers(model).SelectMany(LoraPlace.Of).ToList();
        foreach (string target in options.Targets)
            if (!known.Exists(place => Fits(target, place.Name)))
                throw new ArgumentException($"Lora: no linear layer fits '{target}'; there are "
                    + $"{string.Join(", ", known.Select(place => Last(place.Name)).Distinct())}.");
        return Apply(model, options, layer => [.. LoraPlace.Of(layer).Select(place =>
            options.Targets.Any(target => Fits(target, place.Name)) ? place with { Rank = options.Rank, Alpha = options.Alpha } : place)]);
    }

    /// <summary>The same for places that a caller finds in each layer.</summary>
    internal static IReadOnlyList<LoraLinear> Apply(Module model, LoraOptions options, Func<Linear, LoraPlace[]> find)
    {
        var found = Layers(model).Select(layer => (layer.Path, Places: find(layer))).Where(f => f.Places.Any(p => p.Rank > 0)).ToList();
        model.Freeze();
        var source = new ParameterSource(model.Device, options.Seed);
        foreach (var (path, places) in found) model.Replace(path, old => new LoraLinear(source, (Linear)old, places, options.Dropout));
        return Of(model);
    }

    /// <summary>Those whose weight is theirs alone: what changes a tied head would change the token table.</summary>
    private static IEnumerable<Linear> Layers(Module model) =>
        model.Modules().OfType<Linear>().Where(layer => layer.Weight.Name == $"{layer.Path}.weight");

    /// <summary>The adapters of a model.</summary>
    public static IReadOnlyList<LoraLinear> Of(Module model) => [.. model.Modules().OfType<LoraLinear>()];

    /// <summary>
    /// Adds each adapter to the weight that it is beside, and takes it away: the model computes the same but for rounding, and its
    /// parameters have their old names. They stay frozen until <see cref="Module.Unfreeze"/>.
    /// </summary>
    /// <returns>How many there were.</returns>
    public static int Merge(Module model)
    {
        var adapters = Of(model);
        foreach (var adapter in adapters)
        {
            adapter.AddToWeight();
            model.Replace(adapter.Path, old => ((LoraLinear)old).Layer);
        }

        return adapters.Count;
    }

    private static bool Fits(string target, string name) =>
        FileSystemName.MatchesSimpleExpression(target, name, ignoreCase: false)
        || FileSystemName.MatchesSimpleExpression(target, Last(name), ignoreCase: false);

    private static string Last(string path) => path[(path.LastIndexOf('.') + 1)..];
}

/// <summary>A linear layer, or rows of one that have a name of their own.</summary>
/// <param name="Name">Its path, as <c>blocks.0.attention.q</c>.</param>
/// <param name="Part">The last part of it where it is rows of a layer; empty for a whole one.</param>
/// <param name="Rows">The number of its rows.</param>
/// <param name="Rank">The rank of its adapter; 0 for none.</param>
/// <param name="Alpha">The adapter's result is scaled by this over the rank.</param>
internal readonly record struct LoraPlace(string Name, string Part, int Rows, int Rank = 0, double Alpha = 0)
{
    /// <summary>What the product of both matrices is multiplied by.</summary>
    public float Scale => (float)(Alpha / Rank);

    private static readonly string[] Fused = ["q", "k", "v"];

    /// <summary>The places of a layer, from its first row to its last.</summary>
    public static IEnumerable<LoraPlace> Of(Linear layer)
    {
        var rows = layer.Weight.RowBlocks;
        if (rows.Count != Fused.Length) return [new LoraPlace(layer.Path, "", (int)layer.Weight.Shape[0])];
        string parent = layer.Path[..(layer.Path.LastIndexOf('.') + 1)];
        return rows.Select((count, i) => new LoraPlace(parent + Fused[i], Fused[i], (int)count));
    }
}
