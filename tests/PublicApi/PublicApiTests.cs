using System.Reflection;

namespace Mayfly.Tests;

/// <summary>The public API is what the text files beside this test say, so that no change of it goes unseen.</summary>
public class PublicApiTests
{
    private static readonly Assembly[] Assemblies =
        [typeof(Backend).Assembly, typeof(Tensor).Assembly, typeof(Tape).Assembly, typeof(Updater).Assembly, typeof(Module).Assembly, typeof(Snapshot).Assembly];

    [Theory, MemberData(nameof(Names))]
    public void The_public_API_is_the_approved_one(string name)
    {
        string[] approved = File.Exists(Approved(name)) ? File.ReadAllLines(Approved(name)) : [], actual = Actual(name).TrimEnd('\n').Split('\n');
        string changes = string.Concat(actual.Except(approved).Select(line => $"\n+ {line}").Concat(approved.Except(actual).Select(line => $"\n- {line}")));
        Assert.True(actual.SequenceEqual(approved), $"The public API of {name} has changed:{changes}\nIf that is meant, approve it: dotnet run -c Release --project tests -- api");
    }

    /// <summary>ILGPU in particular is a part that will be replaced.</summary>
    [Theory, MemberData(nameof(Names))]
    public void No_public_member_shows_a_type_of_another_library(string name) =>
        Assert.Empty(Uses(Find(name)).Where(use => !IsOurs(use.Type) && !IsOfNamespace(use.Type, "System")).Select(use => $"{use.Member.DeclaringType}: {use.Member}"));

    [Fact]
    public void The_search_for_types_finds_them_wherever_they_stand()
    {
        var found = Uses(typeof(PublicApiTests).Assembly).Where(use => use.Type == typeof(StringComparison)).Select(use => use.Member.Name).ToList();
        Assert.Equal(["Argument", "Element", "Field", "Property", "Result"], found.Order());
    }

    public static TheoryData<string> Names() => [.. Assemblies.Select(assembly => assembly.GetName().Name!)];

    /// <summary>Writes the text files anew.</summary>
    internal static void Approve()
    {
        foreach (var assembly in Assemblies) File.WriteAllText(Approved(assembly.GetName().Name!), ApiText.Of(assembly));
    }

    private static string Approved(string name) => Path.Combine(DocsTests.Root, "tests/PublicApi", $"{name}.approved.txt");

    private static string Actual(string name) => ApiText.Of(Find(name));

    private static Assembly Find(string name) => Assemblies.Single(assembly => assembly.GetName().Name == name);

    private static bool IsOurs(Type type) => Assemblies.Contains(type.Assembly) && IsOfNamespace(type, "Mayfly");

    private static bool IsOfNamespace(Type type, string name) => type.Namespace == name || type.Namespace?.StartsWith(name + ".", StringComparison.Ordinal) == true;

    private static IEnumerable<(MemberInfo Member, Type Type)> Uses(Assembly assembly) =>
        from type in ApiText.Types(assembly)
        from use in ApiText.Members(type).SelectMany(member => Types(member).Select(used => (member, used))).Concat(Parents(type).Select(parent => ((MemberInfo)type, parent)))
        from part in Parts(use.Item2)
        select (use.Item1, part);

    private static IEnumerable<Type> Parents(Type type) => type.GetInterfaces().Where(t => t.IsVisible).Concat(type.BaseType is { } parent ? [parent] : []);

    private static IEnumerable<Type> Types(MemberInfo member) => member switch
    {
        FieldInfo field => [field.FieldType],
        PropertyInfo property => [property.PropertyType, .. property.GetIndexParameters().Select(p => p.ParameterType)],
        EventInfo happening => [happening.EventHandlerType!],
        MethodInfo method => [method.ReturnType, .. method.GetParameters().Select(p => p.ParameterType)],
        MethodBase constructor => constructor.GetParameters().Select(p => p.ParameterType),
        _ => [],
    };

    /// <summary>The type itself, or those it is made of.</summary>
    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType) return Parts(type.GetElementType()!);
        if (type.IsGenericParameter) return type.GetGenericParameterConstraints().Where(t => !t.IsGenericType).SelectMany(Parts);
        return type.IsGenericType ? [type, .. type.GetGenericArguments().Where(t => !t.IsGenericParameter).SelectMany(Parts)] : [type];
    }

    /// <summary>What the search has to find.</summary>
    public class Sample<T> where T : struct
    {
        public StringComparison[] Field = [];

        public Dictionary<string, List<StringComparison>> Property { get; } = [];

        public void Argument(ref StringComparison value) => value = default;

        public void Element(Span<StringComparison?> values) => values.Clear();

        public StringComparison Result() => default;
    }
}
