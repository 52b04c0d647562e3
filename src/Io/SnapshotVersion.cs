using System.Globalization;
using System.Reflection;

namespace Mayfly;

/// <summary>
/// What wrote a snapshot: the format of the file by its word, that of the settings in it by a number, and the version of Mayfly. Format 1
/// had no checksums; files of settings 0 say no number.
/// </summary>
internal sealed record SnapshotVersion(int FormatNumber, int Settings, string Writer)
{
    /// <summary>The format that is written.</summary>
    public const string Format = "mayfly snapshot 2";

    /// <summary>That of a snapshot of several files, which this one names.</summary>
    public const string FormatOfParts = "mayfly snapshot 3";

    /// <summary>The metadata that names the format.</summary>
    public const string FormatField = "format";

    private const string FormatWord = "mayfly snapshot ", SettingsField = "settings_version", WriterField = "mayfly";
    private const int NewestFormat = 3, NewestSettings = 1;

    private static readonly string Own = typeof(Snapshot).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?
        .InformationalVersion.Split('+')[0] ?? "";

    /// <summary>True where a file without checksums is not whole.</summary>
    public bool NeedsChecksums => FormatNumber > 1;

    /// <summary>What to know where settings of an earlier version cannot be read; empty for those of this version.</summary>
    public string Remark => Settings == NewestSettings ? "" : $" ({Writer} wrote it, this is Mayfly {Own}; the weights can still be read)";

    /// <summary>Writes what is written now.</summary>
    public static void Put(IDictionary<string, string> metadata)
    {
        metadata[FormatField] = Format;
        metadata[SettingsField] = NewestSettings.ToString(CultureInfo.InvariantCulture);
        metadata[WriterField] = Own;
    }

    /// <summary>What a file says.</summary>
    /// <exception cref="BadFileException">It is no snapshot.</exception>
    /// <exception cref="NewerFileException">A newer version wrote it.</exception>
    public static SnapshotVersion Of(SnapshotReader reader)
    {
        if (!reader.Metadata.TryGetValue(FormatField, out string? word))
            throw new BadFileException(reader.Path, FormatField, "the file's metadata lacks it; it is no snapshot.");
        int format = word.StartsWith(FormatWord, StringComparison.Ordinal) ? Number(word[FormatWord.Length..]) : 0;
        if (format == 0) throw new BadFileException(reader.Path, FormatField, $"'{word}' is unknown; '{Format}' is needed.");
        int settings = reader.Metadata.TryGetValue(SettingsField, out string? number) ? Number(number) : 0;
        if (number is not null && settings == 0)
            throw new BadFileException(reader.Path, SettingsField, $"'{number}' is no number of a version.");
        string writer = reader.Metadata.TryGetValue(WriterField, out string? name) ? $"Mayfly {name}" : "a build before Mayfly 0.1.0";
        return format > NewestFormat || settings > NewestSettings
            ? throw new NewerFileException($"{reader.Path}: {FormatField}: {writer} wrote '{word}' with settings of version "
                + $"{settings}, which are "
                + $"newer than this Mayfly {Own} reads ('{FormatOfParts}', settings of version {NewestSettings}); use a newer Mayfly "
                + "for it.")
            : new SnapshotVersion(format, settings, writer);
    }

    /// <summary>A number above 0, or 0 for anything else.</summary>
    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
}

/// <summary>A file of a newer version: it is whole, so no older one stands in for it.</summary>
internal sealed class NewerFileException(string message) : InputException(message);
