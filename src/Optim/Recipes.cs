using System.Reflection;
using System.Text.RegularExpressions;

namespace Mayfly;

/// <summary>
/// Rules by name, each with learning rate and fallback, as the static properties of their types declare them. <c>Plain</c> is a form tuned
/// for small language models, which goes by the name of the type; <c>PlainMini</c> of Apollo is apollo-mini. The others are published
/// forms. Train one by <see cref="Route.For"/>.
/// </summary>
public static partial class Recipes
{
    private const string Mark = "Plain";

    private static readonly (string Name, Rule Plain)[] all =
    [
        .. typeof(Recipes).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Rule)))
            .SelectMany(Forms, (type, form) => (Type: type.Name.ToLowerInvariant(), form.Name, form.Rule)).Where(f => IsPlain(f.Name))
            .Select(f => (Name: f.Name == Mark ? f.Type : $"{f.Type}-{Kebab(f.Name[Mark.Length..])}", f.Rule))
            .OrderBy(f => f.Name, StringComparer.Ordinal),
    ];

    /// <summary>The names, in alphabetical order.</summary>
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
        // OfficialMini is apollo-mini's official
        string kind = name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..], suffix = $"-{kind}";
        return Forms(Get(name).GetType()).Where(f => !IsPlain(f.Name))
            .Select(f => (Name: Kebab(f.Name), f.Rule)).Where(f => f.Name != kind && !IsOfAnother(f.Rule, name))
            .ToDictionary(f => f.Name.EndsWith(suffix, StringComparison.Ordinal) ? f.Name[..^suffix.Length] : f.Name, f => f.Rule);
    }

    private static IEnumerable<(string Name, Rule Rule)> Forms(Type type) =>
        from property in type.GetProperties(BindingFlags.Public | BindingFlags.Static)
        where property.PropertyType == type
        select (property.Name, (Rule)property.GetValue(null)!);

    private static bool IsPlain(string form) => form.StartsWith(Mark, StringComparison.Ordinal);

    /// <summary>True for a form that goes by the name of another optimizer: Apollo-Mini among apollo's.</summary>
    private static bool IsOfAnother(Rule rule, string name) =>
        Array.Exists(all, r => r.Name != name && r.Plain.GetType() == rule.GetType() && r.Plain.Name == rule.Name);

    private static string Kebab(string name) => InnerCapital().Replace(name, "-$0").ToLowerInvariant();

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex InnerCapital();
}
