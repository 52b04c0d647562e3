using System.Globalization;
using System.Reflection;

namespace TrainGpt;

/// <summary>An option as its property declares it. All that is done with options is done by these.</summary>
internal sealed class Declaration
{
    private static readonly Dictionary<Type, Declaration[]> Known = [];
    private readonly SettingAttribute setting;
    private readonly PropertyInfo property;
    private readonly Type type;

    private Declaration(PropertyInfo property, SettingAttribute setting)
    {
        (this.property, this.setting) = (property, setting);
        Type declared = property.PropertyType;
        IsList = declared.IsArray;
        type = IsList ? declared.GetElementType()! : Nullable.GetUnderlyingType(declared) ?? declared;
        Name = SettingText.Kebab(property.Name);
    }

    /// <summary>The name without dashes.</summary>
    public string Name { get; }

    /// <summary>The property's name.</summary>
    public string PropertyName => property.Name;

    /// <summary>What it is, in whole sentences.</summary>
    public string Text => setting.Help;

    /// <summary>What it belongs to.</summary>
    public Phase Phase => setting.Phase;

    /// <summary>The values, where they are words.</summary>
    public string[] Words => field ??= setting.Words is { } words ? NamesOf(words)
        : type.IsEnum ? [.. Enum.GetNames(type).Select(SettingText.Kebab)] : [];

    /// <summary>True where it can be given several times.</summary>
    public bool IsList { get; }

    /// <summary>True where it begins without a value.</summary>
    public bool IsOpen => property.GetValue(Activator.CreateInstance(property.ReflectedType!)) is null;

    /// <summary>True where its name alone says something: true, if it is not declared otherwise.</summary>
    public bool IsSwitch => type == typeof(bool) || setting.Alone is not null;

    /// <summary>What help calls a value.</summary>
    public string Kind =>
        setting.Kind ?? (Words.Length > 0 ? string.Join('|', Words) : type == typeof(string) ? "TEXT" : type == typeof(bool)
            ? "true|false" : "N");

    /// <summary>The range of a number.</summary>
    public (double Min, double Max) Range => (setting.Min, setting.Max);

    /// <summary>What it is read from, by the names of properties.</summary>
    public string[] From => setting.From;

    /// <summary>True for the name of a file or folder.</summary>
    public bool IsPath => setting.IsPath;

    /// <summary>The settings of a rule that it changes.</summary>
    public string[] Keys => setting.Keys;

    /// <summary>What the property of a model's shape is called that it sets, if there is one.</summary>
    public string Field => setting.Field ?? property.Name;

    /// <summary>The options of a command in the order of their properties.</summary>
    public static IReadOnlyList<Declaration> Of<T>() where T : CommandOptions => Of(typeof(T));

    /// <summary>Those of a command that another one has as well are the same ones.</summary>
    private static Declaration[] Of(Type type)
    {
        lock (Known)
        {
            if (Known.TryGetValue(type, out var found)) return found;
            var inherited = type.BaseType is { IsAbstract: false } other ? Of(other) : [];
            return Known[type] = [.. inherited,
                                  .. from property in type.GetProperties()
                                     let setting = property.GetCustomAttribute<SettingAttribute>()
                                     where setting is not null && inherited.All(known => known.PropertyName != property.Name)
                                     select new Declaration(property, setting)];
        }
    }

    /// <summary>The option of a property.</summary>
    public static Declaration Of<T>(string property) where T : CommandOptions => Of<T>().Single(option => option.PropertyName == property);

    /// <summary>
    /// Leaves open what is open without its value, too, and has the same value then: so it follows when those that it depends on change.
    /// </summary>
    public static T Loosen<T>(T options) where T : CommandOptions
    {
        foreach (var option in Of<T>().Where(option => option.IsOpen && option.Get(options) is not null))
        {
            var open = option.With(options, null);
            if (Equals(option.Get(open.Used()), option.Get(options))) options = open;
        }

        return options;
    }

    /// <summary>The value in a record.</summary>
    public object? Get(CommandOptions options) => property.GetValue(options);

    /// <summary>A record with another value.</summary>
    /// <exception cref="InputException">The value is out of range.</exception>
    public T With<T>(T options, object? value) where T : CommandOptions
    {
        Check(value);
        var changed = options with { };
        property.SetValue(changed, value);
        return changed;
    }

    /// <summary>The value of a word, or of several where there can be; null for the word that leaves it open.</summary>
    /// <exception cref="FormatException">A word has none; the message says what is needed, after the option's name.</exception>
    public object? Read(IReadOnlyList<string> words) => (IsSwitch, IsList, words) switch
    {
        (_, _, [var word]) when word == setting.Open => null,
        (true, _, []) => setting.Alone is { } word ? Read([word]) : true,
        (_, true, _) => words.ToArray(),
        _ => Full(SettingText.Read(type, Words, words[0])),
    };

    private object Full(object value) =>
        setting.IsPath && !NamesOf(setting.Instead).Contains(value) ? Path.GetFullPath((string)value) : value;

    private static string[] NamesOf(Type? type) => (string[]?)type?.GetProperty("Names")!.GetValue(null) ?? [];

    /// <summary>What it is, and its default.</summary>
    public string Help<T>() where T : CommandOptions, new()
    {
        string used = setting.By is null ? SettingText.Write(Get(new T().Used())) : string.Join(", ", ByWord<T>());
        string standard = setting.Otherwise is not { } why ? used : used is SettingText.None or "" ? why : $"{used} ({why})";
        return $"{setting.Help}{setting.More?.GetProperty(nameof(setting.Help))!.GetValue(null)} [default: {standard}]";
    }

    private IEnumerable<string> ByWord<T>() where T : CommandOptions, new()
    {
        var by = Of<T>(setting.By!);
        foreach (string word in by.Words)
            if (Get(by.With(new T(), by.Read([word])).Used()) is { } value) yield return $"{word} {SettingText.Write(value)}";
    }

    /// <summary>Refuses a number out of range. NaN lies nowhere.</summary>
    /// <exception cref="InputException">It is; the message names the option and the range.</exception>
    public void Check(object? value)
    {
        if (value is not (int or long or ulong or float or double)) return;
        double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        if (!(number >= setting.Min && number <= setting.Max)) throw new InputException(OutOfRange(value, setting.Min, setting.Max));
    }

    /// <summary>Says that a number is impossible.</summary>
    public string OutOfRange(object value, double min, double max)
    {
        string range = double.IsPositiveInfinity(max)
            ? $"of at least {SettingText.Write(min)}"
            : $"from {SettingText.Write(min)} to {SettingText.Write(max)}";
        return $"--{Name} {SettingText.Write(value)} is out of range; give a value {range}.";
    }
}
