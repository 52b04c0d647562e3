using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// A record whose settings are the properties it declares: the declaration is a setting's name, default, range and documentation, and all
/// else follows from it: printing, change by name, equality, what a snapshot keeps.
/// <code>
/// public double Beta2 { get; init => field = In(0, 0.999999, value); } = 0.999;
/// </code>
/// A setting is a number, a truth value, an enum, a type with a static Parse, one of these or null, or another such record, whose
/// settings are named <c>limiter.gamma</c>, or <c>gamma</c> where that is unambiguous.
/// </summary>
public abstract record Adjustable
{
    /// <summary>The name in tables and messages.</summary>
    public virtual string Name => GetType().Name;

    /// <summary>All settings, those of the most derived type first.</summary>
    public virtual IEnumerable<(string Key, object? Value)> Settings => Setting.Of(GetType()).SelectMany(s => s.Read(this));

    /// <summary>The settings as text that <see cref="Rule.Adjusted(string, string)"/> reads back to the bit.</summary>
    public IEnumerable<(string Key, string Text)> Texts => Settings.Select(s => (s.Key, Setting.Text(s.Value, "R")));

    /// <summary>The name, each number, and of truth values, choices and records within what differs from the default.</summary>
    public sealed override string ToString() => Describe();

    /// <summary>What <see cref="ToString"/> says.</summary>
    protected virtual string Describe()
    {
        var standard = Setting.Defaults(GetType());
        var shown = Settings.Where(s => IsOwnNumber(s) || standard is null || !standard.Contains(s));
        string settings = string.Join(", ", shown.Select(s => $"{s.Key} {Setting.Text(s.Value, "G6")}"));
        return settings.Length == 0 ? Name : $"{Name}({settings})";
    }

    /// <summary>This record with one setting changed; null where it has none of that name.</summary>
    /// <exception cref="ArgumentException">No value of this setting, or out of its range; or the name is ambiguous.</exception>
    internal Adjustable? Changed(string key, string text)
    {
        var own = Setting.Of(GetType());
        if (own.FirstOrDefault(s => s.Key == key) is { } setting) return setting.Replace(this, setting.Parse(Name, text));
        if (own.FirstOrDefault(s => key.StartsWith(s.Key + ".", StringComparison.Ordinal)) is { } nested)
            return nested.Part(this)?.Changed(key[(nested.Key.Length + 1)..], text) is { } part ? nested.Replace(this, part) : null;
        var inside = own.Select(s => (Setting: s, Part: s.Part(this)?.Changed(key, text))).Where(c => c.Part is not null).ToArray();
        if (inside.Length > 1)
            throw new ArgumentException(
                $"{Name}: {key} is ambiguous; say {string.Join(" or ", inside.Select(c => $"{c.Setting.Key}.{key}"))}.");
        return inside.Length == 0 ? null : inside[0].Setting.Replace(this, inside[0].Part);
    }

    /// <summary>A setting's value, if it lies in [low, high].</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does not; the message names the record, the setting and the range.</exception>
    protected T In<T>(T low, T high, T value, [CallerMemberName] string setting = "") where T : struct, INumber<T>
    {
        if (value >= low && value <= high) return value;
        string name = Setting.KeyOf(setting);
        throw new ArgumentOutOfRangeException(
            name, string.Create(CultureInfo.InvariantCulture, $"{Name}: {name} is {value}; it lies between {low} and {high}."));
    }

    /// <summary>A setting's value, if it is null or lies in [low, high].</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does neither.</exception>
    [return: NotNullIfNotNull(nameof(value))]
    protected T? In<T>(T low, T high, T? value, [CallerMemberName] string setting = "") where T : struct, INumber<T> =>
        value is { } number ? In(low, high, number, setting) : null;

    internal Adjustable Copy() => this with { };

    private static bool IsOwnNumber((string Key, object? Value) setting) =>
        setting.Value is not (null or bool or Enum) && !setting.Key.Contains('.', StringComparison.Ordinal);
}
