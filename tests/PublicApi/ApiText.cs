using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Mayfly.Tests;

/// <summary>The public API of an assembly as text: a line a type and a line a member, in ordinal order.</summary>
internal static class ApiText
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>The whole API.</summary>
    public static string Of(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in Types(assembly).OrderBy(ApiNames.Full, StringComparer.Ordinal))
        {
            text.Append(ApiSignatures.Type(type)).Append('\n');
            foreach (string line in Members(type).Select(ApiSignatures.Member).Order(StringComparer.Ordinal)) text.Append("    ").Append(line).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The types that C# can name; extension blocks make others.</summary>
    public static IEnumerable<Type> Types(Assembly assembly) => assembly.GetExportedTypes().Where(type => !type.FullName!.Contains('<'));

    /// <summary>What a user can call or override. What the compiler makes of a record follows from its first line.</summary>
    public static IEnumerable<MemberInfo> Members(Type type) => typeof(Delegate).IsAssignableFrom(type)
        ? [type.GetMethod("Invoke")!]
        : type.GetMembers(Declared).Where(member => IsVisible(member) && member is not System.Type && !IsMadeByCompiler(member));

    private static bool IsVisible(MemberInfo member) => member switch
    {
        FieldInfo field => (field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly) && !field.IsSpecialName,
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsVisibleMethod),
        EventInfo happening => IsVisibleMethod(happening.AddMethod!),
        MethodBase method => IsVisibleMethod(method) && (!method.IsSpecialName || method.IsConstructor || method.Name.StartsWith("op_", StringComparison.Ordinal)),
        _ => false,
    };

    /// <summary>True for public methods and those that a type outside the assembly inherits.</summary>
    public static bool IsVisibleMethod(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsMadeByCompiler(MemberInfo member) => member is MethodBase && member.IsDefined(typeof(CompilerGeneratedAttribute));
}
