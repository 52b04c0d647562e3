using System.Globalization;
using System.Reflection;

namespace Mayfly.Tests;

/// <summary>How a member is called: in XML documentation, and in C# as a reader would declare it.</summary>
internal static class ApiNames
{
    private static readonly NullabilityInfoContext nullability = new();

    private static readonly Dictionary<Type, string> keywords = new()
    {
        [typeof(void)] = "void", [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short",
        [typeof(ushort)] = "ushort", [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong",
        [typeof(float)] = "float", [typeof(double)] = "double", [typeof(string)] = "string", [typeof(object)] = "object",
        [typeof(nint)] = "nint", [typeof(nuint)] = "nuint", [typeof(char)] = "char",
    };

    /// <summary>The identifier of a member's XML documentation (ECMA-334, annex D.4).</summary>
    public static string Id(MemberInfo member) => member switch
    {
        Type type => $"T:{Dotted(type)}",
        ConstructorInfo made => $"M:{Dotted(made.DeclaringType!)}.#ctor{Arguments(made)}",
        MethodInfo method => $"M:{Dotted(method.DeclaringType!)}.{method.Name}{Arity(method)}{Arguments(method)}"
            + (method.Name is "op_Implicit" or "op_Explicit" ? "~" + InId(method.ReturnType) : ""),
        PropertyInfo property => $"P:{Dotted(property.DeclaringType!)}.{property.Name}{Arguments(property.GetIndexParameters())}",
        _ => $"{(member is EventInfo ? 'E' : 'F')}:{Dotted(member.DeclaringType!)}.{member.Name}",
    };

    /// <summary>A type as C# writes it.</summary>
    public static string Of(Type type)
    {
        if (keywords.TryGetValue(type, out string? keyword)) return keyword;
        if (type.IsByRef || type.IsPointer) return Of(type.GetElementType()!) + (type.IsPointer ? "*" : "");
        if (type.IsArray) return $"{Of(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (Nullable.GetUnderlyingType(type) is { } value) return Of(value) + "?";
        string name = type.Name.Split('`')[0];
        if (!type.IsGenericType) return name;
        string parts = string.Join(", ", type.GetGenericArguments().Select(Of));
        return type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true ? $"({parts})" : $"{name}<{parts}>";
    }

    /// <summary>A member's declaration, without its body.</summary>
    public static string Declared(MemberInfo member) => member switch
    {
        ConstructorInfo made => $"new {Of(made.DeclaringType!)}({Parameters(made.GetParameters())})",
        MethodInfo method => $"{Static(method)}{Typed(nullability.Create(method.ReturnParameter), method.ReturnType)} {Name(method)}"
            + $"({(IsExtension(method) ? "this " : "")}{Parameters(method.GetParameters())})",
        PropertyInfo property => Property(property),
        FieldInfo { DeclaringType.IsEnum: true } field => field.Name,
        FieldInfo field => $"{(field.IsLiteral ? "const " : field.IsStatic ? "static " : "")}{Of(field.FieldType)} {field.Name}",
        _ => $"event {member.Name}",
    };

    /// <summary>A type's declaration: what it is and what it follows.</summary>
    public static string Declared(Type type)
    {
        if (typeof(MulticastDelegate).IsAssignableFrom(type))
            return "delegate " + Declared(type.GetMethod("Invoke")!).Replace(" Invoke(", $" {Of(type)}(");
        string[] bases = [.. Bases(type)];
        return $"{Kind(type)} {Of(type)}{(bases.Length == 0 ? "" : " : " + string.Join(", ", bases))}";
    }

    /// <summary>True for a record, which has members of the compiler's.</summary>
    public static bool IsRecord(Type type) => type.GetMethod("PrintMembers", BindingFlags.Instance | BindingFlags.NonPublic) is not null
        || type.GetMethod("<Clone>$") is not null;

    private static IEnumerable<string> Bases(Type type)
    {
        if (type is { IsClass: true, BaseType: { } from } && from != typeof(object)) yield return Of(from);
        var inherited = type.BaseType?.GetInterfaces() ?? [];
        foreach (var contract in type.IsEnum ? [] : type.GetInterfaces().Except(inherited).Where(i => i.IsPublic))
            if (contract.Name != "IEquatable`1") yield return Of(contract);
    }

    private static string Kind(Type type)
    {
        string kind = type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct" : "class";
        if (!type.IsEnum && !type.IsInterface && IsRecord(type)) kind = type.IsValueType ? "record struct" : "record";
        if (type.IsByRefLike) kind = "ref " + kind;
        if (type is { IsAbstract: true, IsSealed: true }) return "static " + kind;
        return type is { IsAbstract: true, IsInterface: false } ? "abstract " + kind : kind;
    }

    private static string Static(MethodBase method) => method.IsStatic && !IsExtension(method) ? "static " : "";

    private static bool IsExtension(MethodBase method) =>
        method.IsDefined(typeof(System.Runtime.CompilerServices.ExtensionAttribute), false);

    private static string Name(MethodInfo method) => method.Name.StartsWith("op_", StringComparison.Ordinal)
        ? "operator " + method.Name["op_".Length..]
        : method.Name + (method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Of))}>" : "");

    private static string Property(PropertyInfo property)
    {
        var index = property.GetIndexParameters();
        string sets = property.SetMethod is { IsPublic: true } set ? IsInit(set) ? "init; " : "set; " : "";
        string name = index.Length == 0 ? property.Name : $"this[{Parameters(index)}]";
        return $"{Static(property.GetMethod ?? property.SetMethod!)}{Typed(nullability.Create(property), property.PropertyType)} {name} "
            + $"{{ get; {sets}}}";
    }

    private static bool IsInit(MethodInfo set) =>
        set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(System.Runtime.CompilerServices.IsExternalInit));

    private static string Parameters(ParameterInfo[] parameters) => string.Join(", ", parameters.Select(Parameter));

    private static string Parameter(ParameterInfo p)
    {
        bool isParams = p.IsDefined(typeof(ParamArrayAttribute))
            || p.IsDefined(typeof(System.Runtime.CompilerServices.ParamCollectionAttribute));
        string way = isParams ? "params " : !p.ParameterType.IsByRef ? "" : p.IsOut ? "out " : p.IsIn ? "in " : "ref ";
        return $"{way}{Typed(nullability.Create(p), p.ParameterType)} {p.Name}{(p.HasDefaultValue ? " = " + Value(p) : "")}";
    }

    private static string Typed(NullabilityInfo info, Type type) =>
        Of(type) + (!type.IsValueType && !type.IsByRef && info.ReadState == NullabilityState.Nullable ? "?" : "");

    private static string Value(ParameterInfo p) => p.DefaultValue switch
    {
        null => p.ParameterType.IsValueType && Nullable.GetUnderlyingType(p.ParameterType) is null ? "default" : "null",
        string text => $"\"{text}\"",
        bool yes => yes ? "true" : "false",
        _ when (Nullable.GetUnderlyingType(p.ParameterType) ?? p.ParameterType) is { IsEnum: true } kind =>
            $"{kind.Name}.{Enum.ToObject(kind, p.DefaultValue!)}",
        var number => Convert.ToString(number, CultureInfo.InvariantCulture)!,
    };

    private static string Dotted(Type type) => type.FullName!.Replace('+', '.');

    private static string Arity(MethodInfo method) => method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : "";

    private static string Arguments(MethodBase method) => Arguments(method.GetParameters());

    private static string Arguments(ParameterInfo[] parameters) =>
        parameters.Length == 0 ? "" : $"({string.Join(",", parameters.Select(p => InId(p.ParameterType)))})";

    private static string InId(Type type)
    {
        if (type.IsByRef) return InId(type.GetElementType()!) + "@";
        if (type.IsPointer) return InId(type.GetElementType()!) + "*";
        if (type.IsArray) return InId(type.GetElementType()!) + "[]";
        if (type.IsGenericParameter) return $"{(type.DeclaringMethod is null ? "`" : "``")}{type.GenericParameterPosition}";
        if (!type.IsGenericType) return Dotted(type);
        string name = Dotted(type.GetGenericTypeDefinition()).Split('`')[0];
        return $"{name}{{{string.Join(",", type.GetGenericArguments().Select(InId))}}}";
    }
}
