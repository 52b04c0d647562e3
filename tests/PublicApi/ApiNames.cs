using System.Reflection;

namespace Mayfly.Tests;

/// <summary>Names of types as C# writes them.</summary>
internal static class ApiNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool", [typeof(char)] = "char",
        [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short", [typeof(ushort)] = "ushort", [typeof(int)] = "int", [typeof(uint)] = "uint",
        [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(nint)] = "nint", [typeof(nuint)] = "nuint", [typeof(float)] = "float", [typeof(double)] = "double",
    };

    /// <summary>A declaration's name, with namespace and type parameters.</summary>
    public static string Full(Type type) => type.IsNested ? $"{Full(type.DeclaringType!)}.{OwnName(type)}" : $"{type.Namespace}.{OwnName(type)}";

    /// <summary>The name without type parameters, which constructors have.</summary>
    public static string Plain(Type type) => type.Name.Split('`')[0];

    /// <summary>A use of a type, with what is known of its nullability.</summary>
    public static string Of(Type type, NullabilityInfo? nullability = null)
    {
        if (type.IsByRef) return Of(type.GetElementType()!, nullability);
        if (type.IsPointer) return Of(type.GetElementType()!) + "*";
        if (Nullable.GetUnderlyingType(type) is { } value) return Of(value) + "?";
        string mark = !type.IsValueType && nullability is { } known && (known.ReadState is NullabilityState.Nullable || known.WriteState is NullabilityState.Nullable) ? "?" : "";
        if (type.IsArray) return $"{Of(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        return (Keywords.TryGetValue(type, out string? keyword) ? keyword : Used(type, nullability)) + mark;
    }

    private static string Used(Type type, NullabilityInfo? nullability)
    {
        if (type.IsGenericParameter) return type.Name;
        var arguments = type.GetGenericArguments();
        int inherited = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        var known = nullability?.GenericTypeArguments is { } infos && infos.Length == arguments.Length ? infos : null;
        string[] own = [.. arguments.Select((argument, i) => Of(argument, known?[i])).Skip(inherited)];
        if (type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true) return $"({string.Join(", ", own)})";
        return $"{(type.IsNested ? Of(type.DeclaringType!) + "." : "")}{Plain(type)}{(own.Length > 0 ? $"<{string.Join(", ", own)}>" : "")}";
    }

    private static string OwnName(Type type)
    {
        string[] own = [.. type.GetGenericArguments().Skip(type.DeclaringType?.GetGenericArguments().Length ?? 0).Select(t => t.Name)];
        return Plain(type) + (own.Length > 0 ? $"<{string.Join(", ", own)}>" : "");
    }
}
