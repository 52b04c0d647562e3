using System.Reflection;
using System.Xml.Linq;

namespace Mayfly.Tests;

/// <summary>
/// The pages docs/api/*.md, one for each assembly, printed from its public members and their XML documentation. Members that say nothing of
/// their own, as those of a contract, are left out.
/// </summary>
internal static class ApiPages
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>The assemblies, lowest first, each with what it is for.</summary>
    private static readonly (string Name, string About)[] areas =
    [
        ("Kernels", "Backends and their kernels, lanes that a formula is written for, types of elements."),
        ("Tensor", "Devices, tensors, shapes, scopes, and the arena that counts their memory."),
        ("Autodiff", "The tape, the sweep, parameters, checkpoints; how an op is written. The ops: [table of ops](../ops.md)."),
        ("Optim", "The updater, its rules, routes, clipping and schedules. Formulas, sources: [optimizers](../optimizers/README.md)."),
        ("Nn", "Modules, the two language models, sampling."),
        ("Io", "Data, tokenizers of bytes and characters, files of weights, snapshots, logs and reports."),
        ("Distributed", "Many processes: collectives, data parallel training, weights divided among ranks."),
    ];

    /// <summary>The folder of the pages.</summary>
    public static string Folder => Path.Combine(DocsTests.Root, "docs/api");

    /// <summary>Each page's file name and text, the index among them.</summary>
    public static IEnumerable<(string File, string Text)> Print()
    {
        yield return ("README.md", Index());
        foreach (var (name, about) in areas) yield return (FileOf(name), Page(name, about));
    }

    private static string Index() => """
        # API

        Every public type and member, printed from the code by `dotnet run -c Release --project tests -- api`; a test compares. A layer
        knows those above it in this table. All is in the namespace `Mayfly`.

        | | |
        |---|---|

        """ + string.Concat(areas.Select(area => $"| [{area.Name}]({FileOf(area.Name)}) | {area.About} |\n"));

    private static string FileOf(string area) => area.ToLowerInvariant() + ".md";

    private static string Page(string area, string about)
    {
        var docs = Documentation(area);
        var types = Assembly.Load($"Mayfly.{area}").GetExportedTypes().Where(t => docs.ContainsKey(ApiNames.Id(t)));
        return $"# {area}\n\n{about}\n" + string.Concat(types.OrderBy(ApiNames.Of, StringComparer.Ordinal).Select(t => Section(t, docs)));
    }

    private static string Section(Type type, Dictionary<string, XElement> docs)
    {
        var doc = docs[ApiNames.Id(type)];
        string[] rows = [.. Given(type, doc), .. type == typeof(TensorOps) ? [] : Members(type).SelectMany(m => Row(m, docs))];
        string table = rows.Length == 0 ? "" : $"\n| | |\n|---|---|\n{string.Concat(rows)}";
        return $"\n## {ApiNames.Of(type).Replace("<", "&lt;")}\n\n```text\n{ApiNames.Declared(type)}\n```\n\n"
            + $"{XmlText.Paragraph(doc.Element("summary"))}\n{table}";
    }

    /// <summary>The parameters of a type's own list: those of a record are its properties.</summary>
    private static IEnumerable<string> Given(Type type, XElement doc) => doc.Elements("param").Select(p =>
    {
        string name = (string)p.Attribute("name")!;
        var property = type.GetProperty(name);
        return $"| `{(property is null ? name : ApiNames.Declared(property))}` | {XmlText.Cell(p)} |\n";
    });

    private static IEnumerable<MemberInfo> Members(Type type) =>
        type.GetMembers(Declared).OrderBy(Order).ThenBy(m => m.Name, StringComparer.Ordinal).ThenBy(ApiNames.Id, StringComparer.Ordinal);

    private static int Order(MemberInfo member) => member switch
    {
        ConstructorInfo => 0,
        FieldInfo { DeclaringType.IsEnum: true } field => 1 + Convert.ToInt32(field.IsLiteral ? field.GetRawConstantValue() : 0),
        FieldInfo => 1,
        PropertyInfo => 2,
        _ => 3,
    };

    private static IEnumerable<string> Row(MemberInfo member, Dictionary<string, XElement> docs)
    {
        if (member is Type || !docs.TryGetValue(ApiNames.Id(member), out var doc)) yield break;
        string text = string.Join(" ", new[] { XmlText.Cell(doc.Element("summary")), Details(doc) }.Where(part => part != ""));
        yield return $"| `{ApiNames.Declared(member).Replace("|", "\\|")}` | {text} |\n";
    }

    private static string Details(XElement doc)
    {
        var parameters = doc.Elements("param").Where(p => p.Value != "")
            .Select(p => $"`{(string?)p.Attribute("name")}`: {XmlText.Cell(p)}");
        var returns = doc.Elements("returns").Select(r => $"Returns: {XmlText.Cell(r)}");
        var remarks = doc.Elements("remarks").Select(XmlText.Cell);
        var errors = doc.Elements("exception").Select(e => $"Throws {XmlText.Referred((string)e.Attribute("cref")!)}: {XmlText.Cell(e)}");
        return string.Join(" ", [.. parameters, .. remarks, .. returns, .. errors]);
    }

    /// <summary>The members that have a summary, by their identifier.</summary>
    private static Dictionary<string, XElement> Documentation(string area) =>
        XDocument.Load(Path.Combine(AppContext.BaseDirectory, $"Mayfly.{area}.xml")).Descendants("member")
            .Where(member => member.Element("summary") is not null).ToDictionary(member => (string)member.Attribute("name")!);
}
