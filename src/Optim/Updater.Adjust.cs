using System.Globalization;
using System.IO.Enumeration;

namespace Mayfly;

/// <summary>A setting that was changed between steps.</summary>
/// <param name="Key">The setting, with or without a rule's name in front.</param>
/// <param name="Value">Its value as text.</param>
/// <param name="Of">Which parameters: a pattern of their names, or a rule's name.</param>
public sealed record Adjustment(string Key, string Value, string Of);

public sealed partial class Updater
{
    private const string LearningRate = "learningRate", LearningRateScale = "learningRateScale", ScheduleScale = "scheduleScale", All = "*";
    private readonly List<Adjustment> adjustments = [];
    private double scheduleScale = 1;
    private Assignment[]? routed;

    /// <summary>
    /// The parameters with their rules as the route assigned them, before any <see cref="Adjust(string, double, string)"/>.
    /// </summary>
    public IReadOnlyList<Assignment> Routed => routed ?? [.. Assignments];

    /// <summary>
    /// What <see cref="Adjust(string, double, string)"/> has changed, in order; of repeated changes the last. Learning rates stand here
    /// as the multiples that they were made to. Snapshots save them and, when they are loaded, <see cref="Readjust"/>.
    /// </summary>
    public IReadOnlyList<Adjustment> Adjustments => adjustments;

    /// <summary>
    /// Changes one setting between two steps; states are kept. It reaches through every chain, and snapshots keep what it did:
    /// <code>
    /// updater.Adjust("learningRate", 1e-4);                      // the next step's: the schedule is scaled, and rules keep their ratios
    /// updater.Adjust("AdamW.learningRate", 1e-4);                // of what AdamW steps alone
    /// updater.Adjust("learningRateScale", 0.5, of: "Muon");      // half the learning rate for what Muon steps
    /// updater.Adjust("beta2", 0.95);                             // in every rule that has a beta2
    /// updater.Adjust("AdamW.weightDecay", 0, of: "blocks.*");    // AdamW's only, and only for these parameters
    /// </code>
    /// </summary>
    /// <param name="key">
    /// <c>learningRate</c>, <c>learningRateScale</c> or one of a rule's <see cref="Adjustable.Settings"/>, with or without a rule's name
    /// in front; or <c>scheduleScale</c>, a factor of the whole schedule.
    /// </param>
    /// <param name="value">The new value.</param>
    /// <param name="of">Which parameters: a pattern of their names, or the name of a rule that steps them, alone or in a chain.</param>
    /// <returns>How many parameters it concerns.</returns>
    /// <exception cref="ArgumentException">
    /// It concerns none, or the value is out of range, or would need another state. Nothing has changed.
    /// </exception>
    /// <exception cref="InvalidOperationException">A step is under way.</exception>
    public int Adjust(string key, double value, string of = All) => Adjust(key, Text(value), of);

    /// <summary>The same for a setting that is no number, such as <c>Adjust("scale", "MatchRms")</c>.</summary>
    /// <inheritdoc cref="Adjust(string, double, string)"/>
    public int Adjust(string key, string value, string of = All)
    {
        if (InStep)
            throw new InvalidOperationException($"Updater: Adjust in the middle of step {GlobalStep}; adjust before Begin or after End.");
        bool isRate = key == LearningRate || key.EndsWith("." + LearningRate, StringComparison.Ordinal);
        return !isRate ? Change(new Adjustment(key, value, of))
            : key == LearningRate && of == All ? Change(new Adjustment(ScheduleScale, Text(scheduleScale * Share(value)), of))
            : Change(new Adjustment(key[..^LearningRate.Length] + LearningRateScale, Text(Share(value)), of));
    }

    /// <summary>
    /// Changes a weight between two steps by other means than its rule. Where the updater steps a master weight, that is what is changed,
    /// and the parameter is rounded from it.
    /// </summary>
    /// <param name="parameter">One of this updater's.</param>
    /// <param name="change">Gets the weight and changes it in place.</param>
    /// <exception cref="ArgumentException">It is none of this updater's.</exception>
    /// <exception cref="InvalidOperationException">A step is under way.</exception>
    public void Change(Parameter parameter, Action<Tensor> change)
    {
        if (InStep)
            throw new InvalidOperationException($"Updater: Change in the middle of step {GlobalStep}; change before Begin or after End.");
        if (!slotOf.TryGetValue(parameter, out var slot))
            throw new ArgumentException($"Updater: Change of {parameter}, which is not among this updater's parameters.");
        using var held = Device.Pager?.Hold(alone: true) ?? default;
        slot.Change(change);
    }

    /// <summary>Replaces numbers that each rank has found by the largest over all ranks.</summary>
    internal void Largest(Span<double> values)
    {
        if (options.Exchange is not { Ranks: > 1 } exchange) return;
        var all = new double[exchange.Ranks * values.Length];
        values.CopyTo(all.AsSpan(exchange.Rank * values.Length));
        exchange.Sum(all);
        for (int i = 0; i < all.Length; i++) values[i % values.Length] = Math.Max(values[i % values.Length], all[i]);
    }

    /// <summary>Undoes all adjustments and makes the given ones, as loading a snapshot does.</summary>
    /// <exception cref="ArgumentException">One does not fit these rules.</exception>
    public void Readjust(IEnumerable<Adjustment> given)
    {
        var again = given.ToArray();
        for (int i = 0; i < slots.Length; i++) slots[i].Assignment = Routed[i];
        adjustments.Clear();
        scheduleScale = 1;
        foreach (var adjustment in again) Change(adjustment);
    }

    /// <summary>The learning rate of a step, counted from 1: the schedule's, as it was adjusted.</summary>
    public double ScheduledRate(long step) => scheduleScale * schedule.At(step);

    private int Change(Adjustment change)
    {
        routed ??= [.. Assignments];
        int count = change.Key == ScheduleScale && change.Of == All ? ScaleSchedule(change.Value) : ChangeRules(change);
        adjustments.RemoveAll(a => (a.Key, a.Of) == (change.Key, change.Of));
        adjustments.Add(change);
        return count;
    }

    private int ScaleSchedule(string value)
    {
        scheduleScale = progress.CheckRate(Number(value));
        return slots.Length;
    }

    private int ChangeRules(Adjustment change)
    {
        var (key, value, of) = change;
        var rules = new Dictionary<Rule, Rule?>(ReferenceEqualityComparer.Instance);
        var changed = Array.ConvertAll(slots, s => Concerns(s.Assignment, of) ? Adjusted(s.Assignment, key, value, rules) : null);
        int count = changed.Count(a => a is not null);
        if (count == 0) throw new ArgumentException($"Updater: Adjust found no setting '{key}' of '{of}'. {Choices()}");
        for (int i = 0; i < slots.Length; i++) CheckSameState(slots[i], changed[i]);
        for (int i = 0; i < slots.Length; i++) slots[i].Assignment = changed[i] ?? slots[i].Assignment;
        return count;
    }

    private static bool Concerns(Assignment assignment, string of) =>
        FileSystemName.MatchesSimpleExpression(of, assignment.Parameter.Name, ignoreCase: false) || assignment.Rule.Uses(of);

    /// <summary>Parameters that shared a rule share the changed one.</summary>
    private static Assignment? Adjusted(Assignment assignment, string key, string value, Dictionary<Rule, Rule?> rules)
    {
        int dot = key.LastIndexOf('.');
        if (key[(dot + 1)..] == LearningRateScale)
        {
            if (dot >= 0 && !assignment.Rule.Uses(key[..dot])) return null;
            return assignment with { LearningRateScale = Route.CheckScale(Number(value), assignment.Rule) };
        }

        if (!rules.TryGetValue(assignment.Rule, out var rule)) rules.Add(assignment.Rule, rule = assignment.Rule.Adjusted(key, value));
        return rule is null ? null : assignment with { Rule = rule };
    }

    /// <summary>A learning rate as a multiple of the next step's.</summary>
    private double Share(string value)
    {
        double rate = progress.CheckRate(Number(value)), scheduled = ScheduledRate(GlobalStep + 1);
        return scheduled > 0 ? rate / scheduled : throw new ArgumentException(
            $"Updater: the schedule gives step {GlobalStep + 1} the learning rate {scheduled}, of which {value} is no multiple; "
            + "adjust later, or give rates by Begin.");
    }

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static double Number(string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : throw new ArgumentException($"Updater: '{value}' is no number.");

    /// <summary>A changed rule must remember the same of its parameter: tensors and numbers of the same names, shapes and types.</summary>
    private static void CheckSameState(Slot slot, Assignment? changed)
    {
        if (changed is null || changed.Rule == slot.Assignment.Rule || !slot.Parameter.Trainable) return;
        using var other = slot.StateOf(changed.Rule);
        if (!other.Fits(slot.State))
            throw new ArgumentException(
                $"Updater: {slot.Parameter} would go from {slot.Assignment.Rule} to {changed.Rule}, which needs another state; "
                + "make a new updater.");
    }

    private string Choices()
    {
        string ofRules = string.Join("; of ", slots.Select(s => s.Assignment.Rule).Distinct().Select(Keys).Distinct());
        return $"There are {LearningRate}, {LearningRateScale}, {ScheduleScale} and, of {ofRules}.";
    }

    private static string Keys(Rule rule) => $"{rule}: {string.Join(", ", rule.Settings.Select(s => s.Key).DefaultIfEmpty("none"))}";
}
