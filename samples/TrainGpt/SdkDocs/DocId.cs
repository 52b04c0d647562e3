using System.Text;
using System.Xml.Linq;

namespace TrainGpt;

/// <summary>
/// Reads the compiler's documentation ids, such as <c>M:System.Linq.Enumerable.First``1(System.Collections.Generic.IEnumerable{``0})</c>,
/// and says them in C#'s words. It remembers the type parameters of the types it has met, so that their members can name them.
/// </summary>
internal sealed class DocId
{
    private readonly Dictionary<string, string[]> typeParameters = new(StringComparer.Ordinal);

    /// <summary>The signature line of a member: <c>method Enumerable.First&lt;TSource&gt;(IEnumerable&lt;TSource&gt; source)</c>.</summary>
    public string Signature(XElement member)
    {
        string id = member.Attribute("name")?.Value ?? "";
        if (id.Length < 2 || id[1] != ':') return id;
        var own = Names(member, "typeparam");
        if (id[0] == 'T') typeParameters[id[2..]] = own;
        return id[0] switch
        {
            'T' => $"type {TypeName(id[2..], own)}",
            'N' => $"namespace {id[2..]}",
            'F' => $"field {MemberName(id[2..], own)}",
            'E' => $"event {MemberName(id[2..], own)}",
            'P' => $"property {MemberName(id[2..], own)}{Parameters(id, member, own)}",
            _ => $"method {MemberName(id[2..], own)}{(id.Contains('(') ? Parameters(id, member, own) : "()")}",
        };
    }

    /// <summary>A reference's short name: the type, or the type and the member.</summary>
    public static string Short(string id)
    {
        int colon = id.IndexOf(':');
        string kind = colon < 0 ? "T" : id[..colon], path = WithoutParameters(id[(colon + 1)..]);
        if (kind == "N") return path;
        var parts = path.Split('.');
        string last = Generic(Plain(parts[^1]), []);
        return kind is "T" or "!" || parts.Length < 2 ? last : $"{Generic(parts[^2], [])}.{last}";
    }

    private string MemberName(string path, string[] own)
    {
        path = WithoutParameters(path);
        int dot = path.LastIndexOf('.');
        if (dot < 0) return path;
        string type = TypeName(path[..dot], OwnerParameters(path[..dot])), name = Plain(path[(dot + 1)..]);
        if (name == "ctor") return $"new {type}";
        return name.StartsWith("op_", StringComparison.Ordinal) ? $"{type}.operator {name[3..]}" : $"{type}.{Generic(name, own)}";
    }

    private static string TypeName(string path, string[] parameters) => Generic(path[(path.LastIndexOf('.') + 1)..], parameters);

    private string[] OwnerParameters(string type) => typeParameters.GetValueOrDefault(type, []);

    private string Parameters(string id, XElement member, string[] own)
    {
        int open = id.IndexOf('('), close = id.LastIndexOf(')');
        if (open < 0 || close < open) return "";
        string path = WithoutParameters(id[2..]);
        var owner = OwnerParameters(path[..Math.Max(0, path.LastIndexOf('.'))]);
        string[] names = Names(member, "param"), types = [.. Split(id[(open + 1)..close])];
        var words = types.Select((type, i) => ParameterType(type, owner, own) + (i < names.Length ? " " + names[i] : ""));
        return $"({string.Join(", ", words)})";
    }

    private static string[] Names(XElement member, string tag) => [.. member.Elements(tag).Select(e => e.Attribute("name")?.Value ?? "")];

    private static string WithoutParameters(string path) => path.IndexOfAny(['(', '~']) is >= 0 and var end ? path[..end] : path;

    /// <summary>
    /// Without the interface of an explicit implementation: <c>System#IConvertible#ToInt32</c>, and without the sign of <c>#ctor</c>.
    /// </summary>
    private static string Plain(string name) => name[(name.LastIndexOf('#') + 1)..];

    /// <summary><c>List`1</c> as <c>List&lt;T&gt;</c>: with the given names, or T, or T1, T2.</summary>
    private static string Generic(string name, string[] parameters)
    {
        int tick = name.IndexOf('`');
        if (tick < 0) return name;
        if (!int.TryParse(name[tick..].TrimStart('`'), out int count)) return name[..tick];
        var names = parameters.Length == count ? parameters : count == 1 ? ["T"]
            : [.. Enumerable.Range(1, Math.Clamp(count, 0, 16)).Select(i => $"T{i}")];
        return $"{name[..tick]}<{string.Join(", ", names)}>";
    }

    /// <summary>Splits at the commas outside of brackets.</summary>
    private static IEnumerable<string> Split(string list)
    {
        int depth = 0, start = 0;
        for (int i = 0; i < list.Length; i++)
        {
            if (list[i] is '{' or '[' or '(') depth++;
            else if (list[i] is '}' or ']' or ')') depth--;
            else if (list[i] == ',' && depth == 0)
            {
                yield return list[start..i];
                start = i + 1;
            }
        }

        if (start < list.Length) yield return list[start..];
    }

    private static string ParameterType(string id, string[] owner, string[] own)
    {
        var text = new StringBuilder();
        for (int i = 0; i < id.Length;)
        {
            int end = i;
            while (end < id.Length && (char.IsLetterOrDigit(id[end]) || id[end] is '.' or '_' or '`' or '#')) end++;
            if (end > i) text.Append(TypeWord(id[i..end], owner, own));
            else AppendSign(text, id[end++]);
            i = end;
        }

        return text.ToString();
    }

    private static void AppendSign(StringBuilder text, char sign) => text.Append(sign switch
    {
        '{' => "<",
        '}' => ">",
        ',' => text[^1] is '[' or ',' ? "," : ", ", // of a rank: [,]
        '@' or ':' => "",
        _ => sign.ToString(),
    });

    private static string TypeWord(string word, string[] owner, string[] own)
    {
        if (word == "0") return ""; // the lower bound of a rank: [0:,0:]
        if (word.StartsWith("``", StringComparison.Ordinal)) return Numbered(word[2..], own);
        if (word[0] == '`') return Numbered(word[1..], owner);
        string name = word[(word.LastIndexOf('.') + 1)..];
        if (word[0] == '.') return $".{name}"; // a type nested in a generic one: List{`0}.Enumerator
        return word.StartsWith("System.", StringComparison.Ordinal) ? Keyword(name) : name;
    }

    private static string Numbered(string number, string[] names) =>
        int.TryParse(number, out int i) && i < names.Length ? names[i] : $"T{number}";

    private static string Keyword(string name) => name switch
    {
        "Boolean" => "bool",
        "Byte" => "byte",
        "SByte" => "sbyte",
        "Char" => "char",
        "Int16" => "short",
        "UInt16" => "ushort",
        "Int32" => "int",
        "UInt32" => "uint",
        "Int64" => "long",
        "UInt64" => "ulong",
        "Single" => "float",
        "Double" => "double",
        "Decimal" => "decimal",
        "String" => "string",
        "Object" => "object",
        "Void" => "void",
        _ => name,
    };
}
