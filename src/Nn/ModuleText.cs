using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>The readable summary of a module.</summary>
internal static class ModuleText
{
    public static string Format(Module module)
    {
        var rows = module.Parameters().Select(Row).ToList();
        rows.Insert(0, ["parameter", "shape", "role", "count", ""]);
        rows.Add(["total", "", "", Number(module.ParameterCount), ""]);
        var widths = Enumerable.Range(0, 4).Select(column => rows.Max(r => r[column].Length)).ToArray();
        var text = new StringBuilder(module.GetType().Name);
        foreach (var row in rows) text.Append('\n').Append(Line(row, widths));
        return text.ToString();
    }

    private static string[] Row(Parameter p) =>
        [p.Name, p.Shape.ToString(), p.Role.ToString().ToLowerInvariant(), Number(p.Shape.Count), p.Trainable ? "" : "frozen"];

    private static string Line(string[] row, int[] widths) =>
        string.Join("  ", [.. row.Take(3).Zip(widths, (cell, width) => cell.PadRight(width)), row[3].PadLeft(widths[3]), row[4]]).TrimEnd();

    private static string Number(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
