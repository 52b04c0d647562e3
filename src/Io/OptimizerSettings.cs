using System.Globalization;
using System.Text.Json;

namespace Mayfly;

/// <summary>
/// The rules' settings inside a snapshot, as JSON in its metadata: what the route assigned, so that a run that goes on under other
/// settings is found out, and what was adjusted since, so that it goes on as it was.
/// </summary>
internal static class OptimizerSettings
{
    private const string Field = "rules", Unreadable = "the optimizer's settings cannot be read";

    /// <summary>A list that is missing, or null, is not an empty one.</summary>
    private static readonly JsonSerializerOptions Strict = new()
    {
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    private sealed record Saved(SavedRule[] Rules, Adjustment[] Adjustments);

    private sealed record SavedRule(string Name, string LearningRateScale, string[] Settings, string[] Parameters);

    public static void Add(SafeTensorsWriter writer, Updater updater)
    {
        var rules = updater.Routed.GroupBy(a => (a.Rule, a.LearningRateScale)).Select(alike => new SavedRule(
            alike.Key.Rule.Name, Text(alike.Key.LearningRateScale), Settings(alike.Key.Rule), [.. alike.Select(a => a.Parameter.Name)]));
        writer.Metadata[Field] = JsonSerializer.Serialize(new Saved([.. rules], [.. updater.Adjustments]));
    }

    /// <summary>Checks that the updater's rules, as they were before adjustments, are those that the file was made with.</summary>
    /// <exception cref="BadFileException">They are not; the message names the first difference.</exception>
    public static void Check(SnapshotReader reader, Updater updater)
    {
        if (Read(reader) is not { } saved) return;
        var ruleOf = BadFileException.Guard(reader.Path, Field, Unreadable, () => saved.Rules
            .SelectMany(r => r.Parameters.Select(p => (Name: p, Rule: r))).ToDictionary(p => p.Name, p => p.Rule));
        foreach (var (parameter, rule, _, scale) in updater.Routed)
            if (parameter.Trainable && ruleOf.TryGetValue(parameter.Name, out var before) && Difference(before, rule, scale) is { } found)
                throw new BadFileException(
                    reader.Path, Field,
                    $"{parameter.Name} was trained with {found}; make the updater as it was, load, then change it by updater.Adjust.");
    }

    /// <summary>Makes the adjustments that the file holds; where one is impossible, the updater's stay as they were.</summary>
    /// <exception cref="BadFileException">One is impossible.</exception>
    public static void Restore(SnapshotReader reader, Updater updater)
    {
        if (Read(reader) is not { } saved) return;
        Adjustment[] before = [.. updater.Adjustments];
        try
        {
            BadFileException.Guard(reader.Path, Field, "an adjustment cannot be made", () =>
            {
                updater.Readjust(saved.Adjustments);
                return true;
            });
        }
        catch
        {
            updater.Readjust(before);
            throw;
        }
    }

    private static string? Difference(SavedRule before, Rule rule, double scale)
    {
        if (before.Name != rule.Name) return $"{before.Name}, not {rule.Name}";
        if (before.LearningRateScale != Text(scale))
            return $"{before.Name} at {before.LearningRateScale} times the learning rate, not {Text(scale)}";
        string[] was = before.Settings, now = Settings(rule);
        return was.AsSpan().SequenceEqual(now) ? null : $"{before.Name}({Others(was, now)}), not {Others(now, was)}";
    }

    private static string Others(string[] settings, string[] than) => string.Join(", ", settings.Except(than).DefaultIfEmpty("nothing"));

    /// <summary>What the file holds; null where an earlier version wrote it.</summary>
    private static Saved? Read(SnapshotReader reader)
    {
        if (!reader.Metadata.TryGetValue(Field, out string? json)) return null;
        return BadFileException.Guard(reader.Path, Field, Unreadable, () => JsonSerializer.Deserialize<Saved>(json, Strict));
    }

    private static string[] Settings(Rule rule) => [.. rule.Texts.Select(s => $"{s.Key} {s.Text}")];

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
