using System.IO.Enumeration;

namespace Mayfly;

public sealed partial class Updater
{
    /// <summary>
    /// Changes one setting between two steps; states are kept. It reaches through every wrapper:
    /// <code>
    /// updater.Adjust("learningRateScale", 0.5, of: "Muon");      // half the learning rate for what Muon steps
    /// updater.Adjust("beta2", 0.95);                             // in every rule that has a beta2, in chains and fallbacks too
    /// updater.Adjust("AdamW.weightDecay", 0, of: "blocks.*");    // AdamW's only, and only for these parameters
    /// </code>
    /// The learning rate itself is the schedule's or <see cref="Begin"/>'s; every parameter's rate is a multiple of it, so ratios are kept. Snapshots
    /// hold no settings: adjust again after loading one.
    /// </summary>
    /// <param name="key"><c>learningRateScale</c>, or one of the rule's <see cref="Rule.Settings"/>, with or without a rule's name in front.</param>
    /// <param name="value">The new value.</param>
    /// <param name="of">Which parameters: a pattern of their names, or the name of a rule that steps them, alone or within another.</param>
    /// <returns>How many parameters it concerns.</returns>
    /// <exception cref="ArgumentException">It concerns none, or the value is out of range. Nothing has changed.</exception>
    /// <exception cref="InvalidOperationException">A step is under way.</exception>
    public int Adjust(string key, double value, string of = "*")
    {
        if (InStep) throw new InvalidOperationException($"Updater: Adjust in the middle of step {GlobalStep}; adjust before Begin or after End.");
        var rules = new Dictionary<Rule, Rule?>();
        var changed = Array.ConvertAll(slots, s => Concerns(s.Assignment, of) ? Adjusted(s.Assignment, key, value, rules) : null);
        int count = changed.Count(a => a is not null);
        if (count == 0) throw new ArgumentException($"Updater: Adjust found no setting '{key}' of '{of}'. {Choices()}");
        for (int i = 0; i < slots.Length; i++) slots[i].Assignment = changed[i] ?? slots[i].Assignment;
        return count;
    }

    private static bool Concerns(Assignment assignment, string of) =>
        FileSystemName.MatchesSimpleExpression(of, assignment.Parameter.Name, ignoreCase: false) || assignment.Rule.Uses(of, assignment.Parameter);

    /// <summary>Parameters that shared a rule share the changed one.</summary>
    private static Assignment? Adjusted(Assignment assignment, string key, double value, Dictionary<Rule, Rule?> rules)
    {
        if (key == "learningRateScale") return assignment with { LearningRateScale = Route.CheckScale(value, assignment.Rule) };
        if (!rules.TryGetValue(assignment.Rule, out var rule)) rules.Add(assignment.Rule, rule = assignment.Rule.Adjusted(key, value));
        return rule is null ? null : assignment with { Rule = rule };
    }

    private string Choices() => $"There are learningRateScale and {string.Join("; ", slots.Select(s => s.Assignment.Rule.ToString()).Distinct())}.";
}
