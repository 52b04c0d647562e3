using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;

namespace Mayfly;

/// <summary>
/// Rules by name, each with learning rate and fallback, as the static properties of their types declare them. <c>Plain</c> is a form tuned
/// for small language models, which goes by the name of the type; <c>PlainMini</c> of Apollo is apollo-mini. The others are published
/// forms. Train one by <see cref="Route.For"/>.
/// </summary>
[UnconditionalSuppressMessage("Trimming", "IL2026", Justification = Kept)]
[UnconditionalSuppressMessage("Trimming", "IL2070", Justification = Kept)]
public static class Recipes
{
    private const string Kept = "ILLink.Descriptors.xml keeps the rules of this assembly.";
    private const string Mark = "Plain";

    private static readonly (string Name, PropertyInfo Plain)[] all =
    [
        .. from type in typeof(Recipes).Assembly.GetTypes()
           where type.IsSubclassOf(typeof(Rule))
           from form in Forms(type)
           where IsPlain(form)
           let name = type.Name.ToLowerInvariant() + (form.Name == Mark ? "" : $"-{Kebab(form.Name[Mark.Length..])}")
           orderby name
           select (name, form),
    ];

    /// <summary>The names, in alphabetical order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. all.Select(r => r.Name)];

    /// <summary>A rule by name; with a preset its published form, as published.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="preset">One of <see cref="Presets"/>; null takes the plain form.</param>
    /// <exception cref="ArgumentException">There is none of that name; the message lists them.</exception>
    public static Rule Get(string name, string? preset = null)
    {
        if (preset is null) return Value(Plain(name));
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
        return Forms(Plain(name).PropertyType).Where(form => !IsPlain(form))
            .Select(form => (Name: Kebab(form.Name), Rule: Value(form))).Where(f => f.Name != kind && !IsOfAnother(f.Rule, name))
            .ToDictionary(f => f.Name.EndsWith(suffix, StringComparison.Ordinal) ? f.Name[..^suffix.Length] : f.Name, f => f.Rule);
    }

    private static PropertyInfo Plain(string name) => all.FirstOrDefault(r => r.Name == name).Plain
        ?? throw new ArgumentException($"'{name}' is no optimizer; there are {string.Join(", ", Names)}.");

    private static IEnumerable<PropertyInfo> Forms(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Static).Where(property => property.PropertyType == type);

    private static Rule Value(PropertyInfo form) => (Rule)form.GetValue(null)!;

    private static bool IsPlain(PropertyInfo form) => form.Name.StartsWith(Mark, StringComparison.Ordinal);

    /// <summary>True for a form that goes by the name of another optimizer: Apollo-Mini among apollo's.</summary>
    private static bool IsOfAnother(Rule rule, string name) =>
        Array.Exists(all, r => r.Name != name && r.Plain.PropertyType == rule.GetType() && Value(r.Plain).Name == rule.Name);

    private static string Kebab(string name) => JsonNamingPolicy.KebabCaseLower.ConvertName(name);
}
