using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace TrainGpt;

/// <summary>
/// The values of options as words: the same ones on the command line, in files, in help and in messages, in every culture.
/// </summary>
internal static class SettingText
{
    /// <summary>A name of C# as the command line has it: <c>TwoPass</c> as <c>two-pass</c>.</summary>
    public static string Kebab(string name) => JsonNamingPolicy.KebabCaseLower.ConvertName(name);

    /// <summary>The word for no value.</summary>
    public const string None = "none";

    /// <summary>A value as a word.</summary>
    public static string Write(object? value) => value switch
    {
        null => None,
        bool flag => flag ? "true" : "false",
        Enum word => Kebab(word.ToString()),
        string[] texts => texts.Length == 0 ? None : string.Join(", ", texts),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>The value of a word.</summary>
    /// <exception cref="FormatException">It has none; the message says what is needed, after the option's name.</exception>
    public static object Read(Type type, string[] words, string text)
    {
        if (words.Length > 0 && !words.Contains(text)) throw new FormatException(
            $": '{text}' is none of '{string.Join("', '", words)}'{Suggestion.For(text, words)}.");
        if (type == typeof(string)) return text.Length > 0 ? text : throw new FormatException(" is empty; give a name or leave it out.");
        if (Parser(type) is { } parse) return parse(text);
        if (type.IsEnum) return Enum.GetValues(type).Cast<Enum>().First(value => Write(value) == text);
        return Number(type, text)
            ?? throw new FormatException(Beyond(type, text) ?? $": '{text}' is {Wanted(type)} that can be used here.");
    }

    /// <summary>Says of a whole number that it is larger or smaller than any of its type.</summary>
    private static string? Beyond(Type type, string text) =>
        type == typeof(bool) || type == typeof(double) || Whole(text) is null ? null
        : $": {text} is out of range; give a whole number from {Bound(type, "MinValue")} to {Bound(type, "MaxValue")}.";

    private static string Bound(Type type, string name) => Write(type.GetField(name)!.GetValue(null));

    /// <summary>True for a value of a type of words: an enum, or a type of our own with a static Parse.</summary>
    public static bool IsWord(object? value) => value is Enum || (value is not null && Parser(value.GetType()) is not null);

    private static Func<string, object>? Parser(Type type)
    {
        if (type.Assembly == typeof(object).Assembly || type.IsEnum) return null; // numbers and text are read otherwise
        return type.GetMethod("Parse", [typeof(string)]) is { } parse
            ? text => parse.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [text], null)!
            : null;
    }

    private static string Wanted(Type type) => type == typeof(double) ? "not a number" : type == typeof(bool) ? "neither true nor false"
        : "not a whole number";

    private static object? Number(Type type, string text) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => bool.TryParse(text, out bool flag) ? flag : null,
        TypeCode.Int32 => Whole(text) is >= int.MinValue and <= int.MaxValue and var number ? (int)number : null,
        TypeCode.Int64 => Whole(text) is >= long.MinValue and <= long.MaxValue and var number ? (long)number : null,
        TypeCode.UInt64 => Whole(text) is >= 0 and <= ulong.MaxValue and var number ? (ulong)number : null,
        _ => !text.Contains(',') && double.TryParse(text, CultureInfo.InvariantCulture, out double number) ? number : null, // 1,5 is not 15
    };

    /// <summary>A whole number, also as 1e3.</summary>
    private static decimal? Whole(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number) && decimal.IsInteger(number)
            ? number
            : null;
}
