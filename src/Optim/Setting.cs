using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;

namespace Mayfly;

/// <summary>One property that an <see cref="Adjustable"/> declares.</summary>
/// <param name="Property">The property.</param>
[UnconditionalSuppressMessage("Trimming", "IL2070", Justification = Kept)]
[UnconditionalSuppressMessage("Trimming", "IL2075", Justification = Kept)]
internal sealed record Setting(PropertyInfo Property)
{
    private const string Kept = "ILLink.Descriptors.xml keeps the rules of this assembly; whoever writes a rule uses its settings.";
    private const string Null = "null";
    private static readonly ConcurrentDictionary<Type, Setting[]> settings = new();
    private static readonly ConcurrentDictionary<Type, HashSet<(string Key, object? Value)>?> defaults = new();

    /// <summary>The property's name in lower camel case.</summary>
    public string Key { get; } = KeyOf(Property.Name);

    private Type Type => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>The settings of a type, the most derived first; what <see cref="Rule"/> itself declares belongs to routes.</summary>
    public static Setting[] Of(Type type) => settings.GetOrAdd(type, t => [.. Declared(t)]);

    /// <summary>The settings of a type's default; null where it can only be made with arguments.</summary>
    public static HashSet<(string Key, object? Value)>? Defaults(Type type) => defaults.GetOrAdd(
        type, t => t.GetConstructor(Type.EmptyTypes)?.Invoke(null) is Adjustable standard ? [.. standard.Settings] : null);

    /// <summary>A property's name as a setting's.</summary>
    public static string KeyOf(string property) => char.ToLowerInvariant(property[0]) + property[1..];

    /// <summary>A value as text, numbers in the given format.</summary>
    public static string Text(object? value, string format) => value switch
    {
        null => Null,
        bool truth => truth ? "true" : "false",
        double number => number.ToString(format, CultureInfo.InvariantCulture),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    /// <summary>The value, or those of a record in its place.</summary>
    public IEnumerable<(string Key, object? Value)> Read(Adjustable owner) =>
        Part(owner) is { } part ? part.Settings.Select(s => ($"{Key}.{s.Key}", s.Value)) : [(Key, Property.GetValue(owner))];

    /// <summary>The record in this place, if there is one.</summary>
    public Adjustable? Part(Adjustable owner) => typeof(Adjustable).IsAssignableFrom(Type) ? (Adjustable?)Property.GetValue(owner) : null;

    /// <summary>A copy of a record with another value.</summary>
    public Adjustable Replace(Adjustable owner, object? value)
    {
        var copy = owner.Copy();
        Property.SetValue(copy, value, BindingFlags.DoNotWrapExceptions, null, null, CultureInfo.InvariantCulture);
        return copy;
    }

    /// <summary>Reads a value; a truth value may be 0 or 1.</summary>
    /// <exception cref="ArgumentException">It is none; the message names the record and the setting.</exception>
    public object? Parse(string owner, string text)
    {
        if (text == Null && (Type != Property.PropertyType || !Type.IsValueType)) return null;
        try
        {
            return Type == typeof(bool) ? text switch { "1" => true, "0" => false, _ => bool.Parse(text) }
                : Type == typeof(double) ? double.Parse(text, CultureInfo.InvariantCulture) // found by reflection they would be trimmed
                : Type == typeof(int) ? int.Parse(text, CultureInfo.InvariantCulture)
                : Type == typeof(long) ? long.Parse(text, CultureInfo.InvariantCulture)
                : Type == typeof(ulong) ? ulong.Parse(text, CultureInfo.InvariantCulture)
                : Type.IsEnum ? Enum.Parse(Type, text, ignoreCase: true)
                : Type.GetMethod("Parse", [typeof(string), typeof(IFormatProvider)])?.Invoke(
                    null, BindingFlags.DoNotWrapExceptions, null, [text, CultureInfo.InvariantCulture], null)
                ?? throw new FormatException("change its parts by name.");
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            throw new ArgumentException($"{owner}: {Key} cannot be '{text}': {Needed ?? e.Message}", e);
        }
    }

    /// <summary>What a value has to be; null where its type's Parse says so.</summary>
    private string? Needed =>
        Type == typeof(bool) ? "true or false is needed."
        : Type == typeof(double) ? "a number is needed."
        : Type == typeof(int) || Type == typeof(long) ? "a whole number is needed."
        : Type.IsEnum ? $"there are {string.Join(", ", Enum.GetNames(Type))}."
        : null;

    private static IEnumerable<Setting> Declared(Type type)
    {
        for (var t = type; t != typeof(Rule) && t != typeof(Adjustable); t = t.BaseType!)
            foreach (var property in t.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
                if (property.SetMethod is not null) yield return new Setting(property);
    }
}
