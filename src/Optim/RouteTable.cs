using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>The table of <see cref="Updater.Describe"/>.</summary>
internal static class RouteTable
{
    private static readonly string[] Head = ["parameter", "role", "shape", "rule", "mode", "learning rate", "state bytes"];

    private static readonly string[] SummaryHead = ["role", "count", "weights", "rule", "mode", "rate", "state bytes"];

    /// <summary>The columns of a terminal.</summary>
    private const int Columns = 80;

    public static string Format(IReadOnlyList<Updater.Slot> slots, UpdaterOptions options) =>
        Table(Head, slots.Select(Row)) + Total(slots, options);

    /// <summary>Parameters that are trained alike in one line, then the rules with their settings, in the width of a terminal.</summary>
    public static string Summary(IReadOnlyList<Updater.Slot> slots, UpdaterOptions options)
    {
        var names = Names([.. slots.Where(s => s.Parameter.Trainable).Select(s => s.Assignment.Rule).Distinct()]);
        var alike = slots.Select(s => (Slot: s, Cells: Row(s))).GroupBy(r => (r.Cells[1], r.Cells[3], r.Cells[4], r.Cells[5]));
        var text = new StringBuilder(Table(SummaryHead, alike.Select(rows => Row([.. rows], names))));
        foreach (var (rule, name) in names.Where(named => named.Key.ToString() != named.Value)) text.Append(Wrapped($"{name} = {rule}\n"));
        return text.Append(Wrapped(Total(slots, options))).ToString();
    }

    /// <summary>A name for each rule: that of the rule which steps, with a number where several rules have it.</summary>
    private static Dictionary<Rule, string> Names(Rule[] rules)
    {
        var alike = rules.GroupBy(rule => rule is Chain chain ? chain.Rules[^1].Name : rule.Name);
        return alike.SelectMany(group => group.Select((rule, i) => (rule, Name: group.Count() > 1 ? $"{group.Key} {i + 1}" : group.Key)))
            .ToDictionary(named => named.rule, named => named.Name);
    }

    private static string[] Row((Updater.Slot Slot, string[] Cells)[] alike, Dictionary<Rule, string> names)
    {
        var (first, cells) = alike[0];
        return
        [
            cells[1], Number(alike.Length), Number(alike.Sum(r => r.Slot.Parameter.Shape.Count)),
            first.Parameter.Trainable ? names[first.Assignment.Rule] : cells[3], cells[4], cells[5],
            Number(alike.Sum(r => r.Slot.State.Bytes)),
        ];
    }

    private static string Table(string[] head, IEnumerable<string[]> body)
    {
        List<string[]> rows = [head, .. body];
        var widths = Enumerable.Range(0, head.Length).Select(c => rows.Max(r => r[c].Length)).ToArray();
        return string.Concat(rows.Select(row => Line(row, widths) + "\n"));
    }

    /// <summary>The text in lines no longer than a terminal's, broken at spaces; all but the first are indented.</summary>
    private static string Wrapped(string text)
    {
        var lines = new StringBuilder();
        int column = 0;
        foreach (string word in text.Split(' '))
        {
            bool isFull = column > 0 && column + 1 + word.TrimEnd('\n').Length > Columns;
            lines.Append(column == 0 ? "" : isFull ? "\n  " : " ").Append(word);
            column = (column == 0 ? 0 : isFull ? 2 : column + 1) + word.Length;
        }

        return lines.ToString();
    }

    private static string[] Row(Updater.Slot slot)
    {
        var (parameter, rule, mode, scale) = slot.Assignment;
        bool trains = parameter.Trainable;
        return
        [
            parameter.Name, parameter.Role.ToString(), parameter.Shape.ToString(), trains ? rule.ToString() : "frozen",
            trains ? mode.ToString().ToLowerInvariant() : "", trains ? scale.ToString("0.###x", CultureInfo.InvariantCulture) : "",
            Number(slot.State.Bytes),
        ];
    }

    private static string Line(string[] row, int[] widths)
    {
        var cells = row.Select((cell, c) => c < row.Length - 1 ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]));
        return string.Join("  ", cells);
    }

    private static string Total(IReadOnlyList<Updater.Slot> slots, UpdaterOptions options)
    {
        var trained = slots.Where(s => s.Parameter.Trainable).ToArray();
        long weights = trained.Sum(s => s.Parameter.Shape.Count), bytes = trained.Sum(s => s.GradientBytes);
        long state = slots.Sum(s => s.State.Bytes);
        var text = $"{trained.Length} parameters trained, {Number(weights)} weights, {Number(state)} bytes of state";
        if (options.Growth is { } growth)
            text += string.Create(CultureInfo.InvariantCulture, $"; growth of the global norm limited to {growth.Gamma} per step");
        if (options.Accumulate > 1)
            text += $"; accumulation over {options.Accumulate} micro-batches keeps {Number(bytes)} bytes of {Kept(trained)}";
        if (options.MaxNorm is { } limit)
            text += $"; {Clipping(trained, limit.ToString(CultureInfo.InvariantCulture), options, bytes)}";
        return text;
    }

    /// <summary>What waits between micro-batches.</summary>
    private static string Kept(Updater.Slot[] trained) =>
        trained.Any(s => s.Projecting is not null) ? "gradients, some projected" : "gradients";

    /// <summary>The clip mode and its price.</summary>
    private static string Clipping(Updater.Slot[] trained, string limit, UpdaterOptions options, long bytes) => options.ClipMode switch
    {
        ClipMode.PerTensor => $"each gradient's norm clipped to {limit}",
        ClipMode.PreviousNorm => $"global norm clipped to {limit} by the norm of the step before",
        ClipMode.TwoPass when options.Accumulate > 1 =>
            $"global norm clipped to {limit} in one pass, as accumulation keeps the gradients anyway",
        ClipMode.TwoPass when trained.Any(s => s.Mode == UpdateMode.Eager) =>
            $"global norm clipped to {limit} in two passes: every step runs forward and backward twice",
        _ => $"global norm clipped to {limit}, which keeps {Number(bytes)} bytes of gradients",
    };

    private static string Number(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
