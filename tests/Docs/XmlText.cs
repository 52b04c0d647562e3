using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Mayfly.Tests;

/// <summary>XML documentation as Markdown.</summary>
internal static partial class XmlText
{
    /// <summary>A paragraph; formulas in lines of their own become blocks.</summary>
    public static string Paragraph(XElement? element)
    {
        if (element is null) return "";
        var parts = element.Nodes().Select(node => node is XElement { Name.LocalName: "code" } code ? Block(code) : Inline(node));
        return Lines().Replace(string.Concat(parts), "\n\n").Trim();
    }

    /// <summary>The text of a table's cell.</summary>
    public static string Cell(XElement? element) => element is null ? ""
        : Space().Replace(string.Concat(element.Nodes().Select(Inline)), " ").Trim().Replace("|", "\\|");

    /// <summary>The last part of a reference to a member, such as M:Mayfly.Tape.Record(Mayfly.Device).</summary>
    public static string Referred(string id) => Reference().Match(id).Groups[1].Value;

    private static string Block(XElement code)
    {
        string[] lines = [.. code.Value.Trim('\n', ' ').Split('\n').Select(line => line.Trim())];
        return $"\n\n```text\n{string.Join('\n', lines)}\n```\n\n";
    }

    private static string Inline(XNode node) => node switch
    {
        XText text => Escaped(Space().Replace(text.Value, " ")),
        XElement { Name.LocalName: "c" or "code" } code => $"`{Space().Replace(code.Value, " ").Trim()}`",
        XElement { Name.LocalName: "see" } see when (string?)see.Attribute("href") is { } link =>
            see.Value == "" ? $"<{link}>" : $"[{see.Value}]({link})",
        XElement { Name.LocalName: "see", Value: "" } see => $"`{Referred((string)(see.Attribute("cref") ?? see.Attribute("langword"))!)}`",
        XElement { Value: "" } named => $"`{(string?)named.Attribute("name")}`",
        XElement element => string.Concat(element.Nodes().Select(Inline)),
        _ => "",
    };

    private static string Escaped(string text) => text.Replace("*", "\\*").Replace("_", "\\_").Replace("<", "&lt;").Replace("[", "\\[");

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex(@"\s*\n\s*\n\s*")]
    private static partial Regex Lines();

    [GeneratedRegex(@"(\w+)(?:``?\d+)?(?:\(.*)?$")]
    private static partial Regex Reference();
}
