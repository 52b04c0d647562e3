using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>The table of <see cref="Updater.Describe"/>.</summary>
internal static class RouteTable
{
    private static readonly string[] Head = ["parameter", "role", "shape", "rule", "mode", "learning rate", "state bytes"];

    private static readonly string[] SummaryHead = ["role", "parameters", "weights", "rule", "mode", "learning rate", "state bytes"];

    public static string Format(IReadOnlyList<Updater.Slot> slots, UpdaterOptions options) =>
        Format(Head, slots.Select(Row), slots, options);

    /// <summary>Parameters that are trained alike in one line.</summary>
    public static string Summary(IReadOnlyList<Updater.Slot> slots, UpdaterOptions options)
    {
        var alike = slots.Select(s => (Slot: s, Cells: Row(s))).GroupBy(r => (r.Cells[1], r.Cells[3], r.Cells[4], r.Cells[5]));
        return Format(SummaryHead, alike.Select(Row), slots, options);
    }

    private static string[] Row(
        IGrouping<(string Role, string Rule, string Mode, string Scale), (Updater.Slot Slot, string[] Cells)> alike) =>
    [
        alike.Key.Role, Number(alike.Count()), Number(alike.Sum(r => r.Slot.Parameter.Shape.Count)), alike.Key.Rule, alike.Key.Mode,
        alike.Key.Scale, Number(alike.Sum(r => r.Slot.State.Bytes)),
    ];

    private static string Format(string[] head, IEnumerable<string[]> body, IReadOnlyList<Updater.Slot> slots, UpdaterOptions options)
    {
        List<string[]> rows = [head, .. body];
        var widths = Enumerable.Range(0, head.Length).Select(c => rows.Max(r => r[c].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in rows) text.Append(Line(row, widths)).Append('\n');
        return text.Append(Total(slots, options)).ToString();
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
            text += $"; accumulation over {options.Accumulate} micro-batches keeps {Number(bytes)} bytes of gradients";
        if (options.MaxNorm is { } limit)
            text += $"; {Clipping(trained, limit.ToString(CultureInfo.InvariantCulture), options, bytes)}";
        return text;
    }

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
