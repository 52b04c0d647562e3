using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Mayfly.Tests;

/// <summary>
/// The page docs/ops.md, printed from the code: the ops by reflection, formula and derivative from their XML documentation, what a record
/// keeps and the devices from running each op's first line of <see cref="OpTable"/>.
/// </summary>
internal static partial class OpsPage
{
    private const string Head = """
        # Ops

        What each differentiable op computes, its derivative (dy is the upstream gradient, y the result), which tensors its record keeps for
        backward, and the devices it ran on. Kept tensors that are neither an input nor y are the record's own, such as one number a row.
        The page is printed from the code by `dotnet run -c Release --project tests -- ops`, and a test compares.

        | Op | Formula | Derivative | Keeps | Devices |
        |---|---|---|---|---|

        """;

    private static readonly Dictionary<string, string> Symbols = new()
    {
        ["op_Addition"] = "+", ["op_Subtraction"] = "-", ["op_Multiply"] = "*", ["op_Division"] = "/", ["op_UnaryNegation"] = "-",
        ["op_LessThan"] = "<", ["op_GreaterThan"] = ">", ["op_LessThanOrEqual"] = "<=", ["op_GreaterThanOrEqual"] = ">=",
    };

    /// <summary>Where the page is.</summary>
    public static string File => Path.Combine(DocsTests.Root!, "docs/ops.md");

    /// <summary>The page.</summary>
    public static string Print()
    {
        var docs = Documentation();
        var ops = CompletenessTests.Ops().OrderBy(op => !Symbols.ContainsKey(op.Method.Name)).ThenBy(op => op.Name, StringComparer.Ordinal);
        return Head + string.Concat(ops.Select(op => Row(op, docs)));
    }

    private static string Row((string Name, MethodInfo Method) op, Dictionary<string, XElement> docs)
    {
        var doc = docs[Key(op.Method)];
        string derivative = Text(doc.Element("remarks")).Replace("Backward: ", "");
        var line = OpTable.All.Values.FirstOrDefault(x => x.Covers == op.Name) ?? Comparison(op.Method);
        string keeps = derivative.StartsWith("none", StringComparison.Ordinal) ? "nothing" : Kept(line, op.Method);
        return $"| `{Shown(op.Method)}` | {Cell(Text(doc.Element("summary")))} | {Cell(derivative)} | {keeps} | {Devices(line)} |\n";
    }

    /// <summary>A comparison, with a tensor or a number, through which no gradient passes, times its first operand.</summary>
    private static OpCase Comparison(MethodInfo method) => method.GetParameters()[1].ParameterType == typeof(Tensor)
        ? new(method.Name, method.Name, x => (Tensor)method.Invoke(null, [.. x])! * x[0], [[(2, 3), (2, 3)]])
        : new(method.Name, method.Name, x => (Tensor)method.Invoke(null, [x[0], 0.5])! * x[0], [[(2, 3)]]);

    /// <summary>The members of the library's XML documentation, by name and parameter types.</summary>
    private static Dictionary<string, XElement> Documentation() =>
        XDocument.Load(Path.Combine(AppContext.BaseDirectory, "Mayfly.Autodiff.xml")).Descendants("member")
            .Where(m => m.Element("summary") is not null)
            .Select(m => (Id: Id().Match((string)m.Attribute("name")!), Member: m)).Where(x => x.Id.Success)
            .ToDictionary(x => $"{x.Id.Groups[1]}({Namespace().Replace(x.Id.Groups[2].Value, "")})", x => x.Member);

    private static string Key(MethodInfo method) =>
        $"{method.Name}({string.Join(",", method.GetParameters().Select(p => TypeName(p.ParameterType)))})";

    private static string TypeName(Type type) => type switch
    {
        { IsGenericParameter: true } => $"``{type.GenericParameterPosition}",
        { IsGenericType: true } => $"{type.Name.Split('`')[0]}{{{string.Join(",", type.GetGenericArguments().Select(TypeName))}}}",
        _ => type.Name,
    };

    /// <summary>How a call of the op is written.</summary>
    private static string Shown(MethodInfo method)
    {
        string[] names = [.. method.GetParameters().Select(p => p.IsOptional ? $"[{p.Name}]" : p.Name!)];
        if (Symbols.TryGetValue(method.Name, out string? symbol))
            return names.Length == 1 ? symbol + names[0] : $"{names[0]} {symbol} {names[1]}";
        return method.GetParameters()[0].ParameterType == typeof(Tensor)
            ? $"{names[0]}.{method.Name}({string.Join(", ", names[1..])})"
            : $"Tensor.{method.Name}({string.Join(", ", names)})";
    }

    private static string Text(XElement? doc) => doc is null ? "" : Space().Replace(string.Concat(doc.Nodes().Select(Text)), " ").Trim();

    private static string Text(XNode node) => node switch
    {
        XElement { Value: "" } see => Reference().Match((string)(see.Attribute("cref") ?? see.Attribute("name"))!).Groups[1].Value,
        XElement element => element.Value,
        _ => node.ToString().Replace("&lt;", "<").Replace("&gt;", ">"),
    };

    /// <summary>The first sentence.</summary>
    private static string Cell(string text) => Sentence().Split(text)[0].TrimEnd('.').Replace("|x|", "\\|x\\|").Replace("*", "\\*");

    /// <summary>
    /// The tensors that the records of a call hold: by the name of the input, y for the result, by their own name where they are neither.
    /// </summary>
    private static string Kept(OpCase line, MethodInfo method)
    {
        using var device = Device.CreateReference();
        using var tape = Tape.Record(device);
        var inputs = line.Inputs(device, line.Shapes[0]);
        for (int k = 0; k < inputs.Length; k++)
            if (!line.IsInteger(k)) tape.Watch(inputs[k]);
        var y = line.Run(inputs);
        string[] names = [.. method.GetParameters().Where(p => p.ParameterType == typeof(Tensor)).Select(p => p.Name!)];
        var kept = tape.Nodes.SelectMany(Fields).Select(field =>
        {
            var tensor = field.Saved.Get(line.Name);
            int input = Array.FindIndex(inputs, x => x.Storage == tensor.Storage);
            return input >= 0 && input < names.Length ? names[input] : tensor.Storage == y.Storage ? "y" : field.Name;
        });
        string text = string.Join(", ", kept.Distinct());
        return text == "" ? "nothing" : text;
    }

    private static IEnumerable<(string Name, Saved Saved)> Fields(Node node)
    {
        for (var type = node.GetType(); type != typeof(Node) && type is not null; type = type.BaseType)
            foreach (var field in type.GetFields(BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly))
                if (field.GetValue(node) is Saved { IsPresent: true } saved) yield return (Captured().Replace(field.Name, "$1"), saved);
    }

    /// <summary>Where a call and its gradient run.</summary>
    private static string Devices(OpCase line) => string.Join(", ", new[] { "cpu", "gpu", "reference" }.Where(kind =>
    {
        using var device = kind switch { "cpu" => Device.CreateCpu(1), "gpu" => TestDevice.Open(), _ => Device.CreateReference() };
        try
        {
            _ = OpResult.Of(line, device, line.Shapes[0], line.Run);
            return true;
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }));

    /// <summary>The documentation id of a method: its name and its parameters.</summary>
    [GeneratedRegex(@"^M:Mayfly\.TensorOps\.(?:.*\.)?(\w+)(?:``\d+)?\(([^)]*)\)$")]
    private static partial Regex Id();

    [GeneratedRegex(@"\b(?:\w+\.)+(?=\w)")]
    private static partial Regex Namespace();

    [GeneratedRegex(@"(\w+)(?:``?\d+)?(?:\(.*)?$")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\. (?=[A-Z])")]
    private static partial Regex Sentence();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    /// <summary>The field in which a primary constructor's parameter is kept.</summary>
    [GeneratedRegex(@"^<(\w+)>.*$")]
    private static partial Regex Captured();
}
