using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Mayfly.Tests;

/// <summary>Types and members as C# declares them.</summary>
internal static class ApiSignatures
{
    private static readonly NullabilityInfoContext Nullability = new();

    public static string Type(Type type)
    {
        string[] bases = [.. Bases(type).Select(t => ApiNames.Of(t))];
        return $"{Kind(type)} {ApiNames.Full(type)}{(bases.Length > 0 ? " : " : "")}{string.Join(", ", bases)}{Constraints(type.GetGenericArguments())}";
    }

    public static string Member(MemberInfo member) => member switch
    {
        FieldInfo { DeclaringType.IsEnum: true } field => $"{field.Name} = {Constant(field.GetRawConstantValue())}",
        FieldInfo field => Field(field),
        PropertyInfo property => Property(property),
        EventInfo happening => $"event {ApiNames.Of(happening.EventHandlerType!)} {happening.Name}",
        ConstructorInfo constructor => $"{Access(constructor)}{ApiNames.Plain(constructor.DeclaringType!)}({Parameters(constructor)})",
        MethodInfo method => $"{Modifiers(method)}{ApiNames.Of(method.ReturnType, Nullability.Create(method.ReturnParameter))} {method.Name}{Generics(method)}({Parameters(method)})"
            + (method.IsGenericMethod ? Constraints(method.GetGenericArguments()) : ""),
        _ => throw new ArgumentException(member.ToString(), nameof(member)),
    };

    private static string Kind(Type type) => type switch
    {
        { IsEnum: true } => "enum",
        { IsInterface: true } => "interface",
        _ when typeof(Delegate).IsAssignableFrom(type) => "delegate",
        { IsValueType: true } => $"{(type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "")}{(type.IsByRefLike ? "ref " : "")}{Record(type)}struct",
        { IsAbstract: true, IsSealed: true } => "static class",
        _ => $"{(type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "")}{Record(type)}class",
    };

    private static string Record(Type type) => type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null ? "record " : "";

    private static IEnumerable<Type> Bases(Type type)
    {
        if (type.IsEnum || typeof(Delegate).IsAssignableFrom(type)) return [];
        var inherited = type.BaseType?.GetInterfaces().AsEnumerable() ?? [];
        var own = type.GetInterfaces().Except(inherited).Where(t => t.IsVisible).OrderBy(t => ApiNames.Of(t), StringComparer.Ordinal);
        return type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) ? own.Prepend(parent) : own;
    }

    private static string Field(FieldInfo field)
    {
        string kind = field.IsLiteral ? "const " : $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}";
        string value = field.IsLiteral ? $" = {Constant(field.GetRawConstantValue())}" : "";
        return $"{(field.IsPublic ? "" : "protected ")}{kind}{ApiNames.Of(field.FieldType, Nullability.Create(field))} {field.Name}{value}";
    }

    private static string Property(PropertyInfo property)
    {
        MethodInfo[] accessors = [.. property.GetAccessors(nonPublic: true).Where(ApiText.IsVisibleMethod)];
        string index = string.Join(", ", property.GetIndexParameters().Select(Parameter));
        string required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        return $"{Modifiers(accessors.MaxBy(accessor => accessor.IsPublic)!)}{required}{ApiNames.Of(property.PropertyType, Nullability.Create(property))} {(index.Length > 0 ? $"this[{index}]" : property.Name)} {{ {string.Concat(accessors.Select(accessor => Accessor(accessor, Access(accessors.MaxBy(a => a.IsPublic)!))))}}}";
    }

    private static string Accessor(MethodInfo accessor, string widest)
    {
        bool isInit = accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
        return $"{(Access(accessor) == widest ? "" : Access(accessor))}{(isInit ? "init" : accessor.Name[(accessor.Name.LastIndexOf('.') + 1)..][..3])}; ";
    }

    private static string Modifiers(MethodInfo method)
    {
        string access = method.DeclaringType!.IsInterface && !method.IsStatic ? "" : Access(method);
        if (typeof(Delegate).IsAssignableFrom(method.DeclaringType)) return "";
        bool isOverride = method.IsVirtual && method.GetBaseDefinition() != method;
        string kind = isOverride ? "override " : method.DeclaringType.IsInterface && method.IsAbstract && !method.IsStatic ? "" : method.IsAbstract ? "abstract " : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "";
        return access + (method.IsStatic ? "static " : "") + (method is { IsFinal: true, IsVirtual: true } && isOverride ? "sealed " : "") + kind;
    }

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string Generics(MethodInfo method) => method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(t => t.Name))}>" : "";

    private static string Parameters(MethodBase method) =>
        (method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "") + string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string way = parameter switch
        {
            { ParameterType.IsByRef: false } => parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "",
            { IsOut: true } => "out ",
            { IsIn: true } => "in ",
            _ => "ref ",
        };
        return $"{way}{ApiNames.Of(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}{(parameter.HasDefaultValue ? $" = {Constant(parameter.RawDefaultValue)}" : "")}";
    }

    private static string Constraints(Type[] arguments) => string.Concat(arguments.Where(a => a.IsGenericParameter).Select(argument =>
    {
        var kinds = argument.GenericParameterAttributes;
        bool isStruct = kinds.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        IEnumerable<string> all = argument.GetGenericParameterConstraints().Where(t => t != typeof(ValueType)).Select(t => ApiNames.Of(t)).Order(StringComparer.Ordinal);
        if (isStruct) all = all.Prepend("struct");
        if (kinds.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint)) all = all.Prepend("class");
        if (!isStruct && kinds.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint)) all = all.Append("new()");
        string text = string.Join(", ", all);
        return text.Length > 0 ? $" where {argument.Name} : {text}" : "";
    }));

    private static string Constant(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        _ => string.Format(CultureInfo.InvariantCulture, "{0}", value),
    };
}
