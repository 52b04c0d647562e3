using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace TrainGpt;

/// <summary>Turns a compiler's XML documentation file into plain text, one block a member.</summary>
internal static class XmlDocs
{
    /// <summary>
    /// The members of a file in its order: a line with kind and signature, the summary, a line for each parameter, what it returns and
    /// throws, the remarks, and an empty line. Members without any words are left out.
    /// </summary>
    /// <exception cref="BadFileException">The file is no well-formed XML.</exception>
    public static IEnumerable<string> Members(string file)
    {
        using var stream = File.OpenRead(file);
        using var xml = XmlReader.Create(stream, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
        var names = new DocId();
        while (Next(file, xml) is { } member)
            if (Block(member, names) is { Length: > 0 } block) yield return block;
    }

    private static XElement? Next(string file, XmlReader xml)
    {
        try
        {
            while (!xml.EOF)
            {
                // ReadFrom leaves the reader on the node after the element
                if (xml.NodeType == XmlNodeType.Element && xml.Name == "member") return (XElement)XNode.ReadFrom(xml);
                xml.Read();
            }

            return null;
        }
        catch (XmlException e)
        {
            throw new BadFileException(file, "XML", e.Message, e);
        }
    }

    private static string Block(XElement member, DocId names)
    {
        string signature = names.Signature(member);
        var body = new StringBuilder();
        foreach (var part in member.Elements().OrderBy(Place)) AppendPart(body, part);
        return body.Length > 0 ? Ascii.Fold($"{signature}\n{body}\n") : "";
    }

    private static int Place(XElement part) => part.Name.LocalName switch
    {
        "summary" => 0,
        "typeparam" => 1,
        "param" => 2,
        "value" => 3,
        "returns" => 4,
        "exception" => 5,
        "remarks" => 6,
        _ => 7,
    };

    private static void AppendPart(StringBuilder body, XElement part)
    {
        string text = Fold(part);
        if (text.Length == 0) return;
        string? lead = part.Name.LocalName switch
        {
            "summary" or "remarks" => "",
            "typeparam" or "param" => $"{part.Attribute("name")?.Value}: ",
            "value" => "Value: ",
            "returns" => "Returns: ",
            "exception" => $"Throws {DocId.Short(part.Attribute("cref")?.Value ?? "")}: ",
            _ => null,
        };
        if (lead is not null) body.Append(lead).Append(text).Append('\n');
    }

    /// <summary>The text of an element: tags resolved, white space folded, a new line for each paragraph and list item.</summary>
    internal static string Fold(XElement element)
    {
        var raw = new StringBuilder();
        Flatten(raw, element);
        var lines = raw.ToString().Split(ParagraphEnd)
            .Select(line => string.Join(' ', line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)))
            .Where(line => line.Length > 0);
        return string.Join('\n', lines);
    }

    /// <summary>Stands for a paragraph's end until white space is folded; XML cannot contain it.</summary>
    private const char ParagraphEnd = '\u0001';

    private static void Flatten(StringBuilder text, XElement element)
    {
        foreach (var node in element.Nodes())
        {
            if (node is XText words) text.Append(words.Value);
            else if (node is XElement tag) FlattenTag(text, tag);
        }
    }

    private static void FlattenTag(StringBuilder text, XElement tag)
    {
        string name = tag.Name.LocalName;
        bool isBlock = name is "para" or "p" or "br" or "item" or "listheader" or "li" or "list" or "ul";
        if (isBlock) text.Append(ParagraphEnd);
        if (name == "description") text.Append(' ');
        if (tag.IsEmpty || tag.Value.Length == 0) text.Append(Reference(tag));
        Flatten(text, tag);
        if (isBlock) text.Append(ParagraphEnd);
    }

    private static string Reference(XElement tag)
    {
        if (tag.Attribute("cref") is { } cref) return DocId.Short(cref.Value);
        if (tag.Attribute("uid") is { } uid) return DocId.Short("T:" + uid.Value);
        return (tag.Attribute("langword") ?? tag.Attribute("name") ?? tag.Attribute("href"))?.Value ?? "";
    }
}
