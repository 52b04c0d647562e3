using System.Reflection;
using System.Text.RegularExpressions;

namespace Mayfly;

/// <summary>
/// Rules by name, each with learning rate and fallback: a plain form, tuned for small language models, and the published forms, which are
/// the static properties of the rule's type. Train one by <see cref="Route.For"/>.
/// </summary>
public static partial class Recipes
{
    private static readonly AdamW adamW = new() { Beta2 = 0.99, WeightDecay = 0.1 };

    private static readonly (string Name, Rule Plain)[] all =
    [
        ("adamw", adamW),
        ("sgd", new Sgd { Momentum = 0.9, WeightDecay = 0.1 }),
        ("apollo", new Apollo { WeightDecay = 0.1, Fallback = adamW }),
        ("apollo-mini", Apollo.Mini with { WeightDecay = 0.1, Fallback = adamW }),
        ("muon", new Muon { WeightDecay = 0.1, Fallback = adamW, FallbackScale = 0.05 }),
        ("adalomo", new AdaLomo { WeightDecay = 0.1, LearningRate = 0.02 }),
        ("lomo", new Lomo { WeightDecay = 0.1 }),
        ("adafactor", Adafactor.Torch with { WeightDecay = 0.1 }),
        ("galore", new GaLore { Rank = 32, WeightDecay = 0.1, Fallback = adamW }),
    ];

    /// <summary>The names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. all.Select(r => r.Name)];

    /// <summary>A rule by name; with a preset its published form, as published.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="preset">One of <see cref="Presets"/>; null takes the plain form.</param>
    /// <exception cref="ArgumentException">There is none of that name; the message lists them.</exception>
    public static Rule Get(string name, string? preset = null)
    {
        var plain = all.FirstOrDefault(r => r.Name == name).Plain
            ?? throw new ArgumentException($"'{name}' is no optimizer; there are {string.Join(", ", Names)}.");
        if (preset is null) return plain;
        var presets = Presets(name);
        if (presets.TryGetValue(preset, out var rule)) return rule;
        string has = presets.Count == 0 ? "no presets" : string.Join(", ", presets.Keys);
        throw new ArgumentException($"'{preset}' is no preset; {name} has {has}.");
    }

    /// <summary>
    /// The published forms of a rule by their names, which are those of its type's properties: <c>keller-jordan</c> is KellerJordan.
    /// </summary>
    /// <exception cref="ArgumentException">There is no rule of that name.</exception>
    public static IReadOnlyDictionary<string, Rule> Presets(string name)
    {
        var type = Get(name).GetType();
        // OfficialMini is apollo-mini's official
        string kind = name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..], suffix = $"-{kind}";
        return type.GetProperties(BindingFlags.Public | BindingFlags.Static).Where(p => p.PropertyType == type)
            .Select(p => (Name: Kebab(p.Name), Rule: (Rule)p.GetValue(null)!)).Where(p => p.Name != kind && !IsOfAnother(p.Rule, name))
            .ToDictionary(p => p.Name.EndsWith(suffix, StringComparison.Ordinal) ? p.Name[..^suffix.Length] : p.Name, p => p.Rule);
    }

    /// <summary>True for a form that goes by the name of another optimizer: Apollo-Mini among apollo's.</summary>
    private static bool IsOfAnother(Rule rule, string name) =>
        Array.Exists(all, r => r.Name != name && r.Plain.GetType() == rule.GetType() && r.Plain.Name == rule.Name);

    private static string Kebab(string name) => InnerCapital().Replace(name, "-$0").ToLowerInvariant();

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex InnerCapital();
}
