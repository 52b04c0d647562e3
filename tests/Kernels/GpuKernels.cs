using System.Reflection;
using Mayfly.Tests.GpuFormulas;

namespace Mayfly.Tests;

/// <summary>
/// Every GPU kernel of src/Kernels, found by reflection: the public static methods of the static classes whose names end in Kernel or
/// Kernels. A generic one appears once for every formula of its shape, in the library and in <see cref="GpuFormulas"/>.
/// </summary>
internal static class GpuKernels
{
    private static readonly Type[] formulas =
    [
        .. Directory.GetFiles(AppContext.BaseDirectory, "Mayfly.*.dll").Order(StringComparer.Ordinal)
            .SelectMany(file => Assembly.LoadFrom(file).GetTypes())
            .Concat(typeof(EveryOperation).Assembly.GetTypes().Where(t => t.Namespace == typeof(EveryOperation).Namespace))
            .Where(t => t.IsValueType && !t.IsGenericTypeDefinition),
    ];

    /// <summary>
    /// Formulas for each tile of a kernel that has both, the formula first: each formula compiles in the other kernels anyway, and tiles
    /// take long.
    /// </summary>
    private const int FormulasOfTiles = 2;

    /// <summary>All of them, with their type arguments.</summary>
    public static IReadOnlyList<MethodInfo> All { get; } =
    [
        .. typeof(Backend).Assembly.GetTypes()
            .Where(t => t.IsAbstract && t.IsSealed && (t.Name.EndsWith("Kernel") || t.Name.EndsWith("Kernels")))
            .OrderBy(t => t.Name, StringComparer.Ordinal)
            .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)).SelectMany(Closed),
    ];

    /// <summary>The formulas of a shape such as <c>typeof(IMap1&lt;&gt;)</c>.</summary>
    public static IEnumerable<Type> Formulas(Type shape) =>
        formulas.Where(t => t.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == shape));

    /// <summary>A name that tells kernels and formulas apart.</summary>
    public static string Name(MethodInfo kernel)
    {
        string formula = kernel.IsGenericMethod
            ? $"<{string.Join(", ", kernel.GetGenericArguments().Select(t => t.FullName!.Replace("Mayfly.", "")))}>"
            : "";
        return $"{kernel.DeclaringType!.Name}.{kernel.Name}{formula}";
    }

    /// <summary>The kernel of a name.</summary>
    public static MethodInfo Get(string name) => All.Single(kernel => Name(kernel) == name);

    private static IEnumerable<Type> OfShape(Type shape) =>
        shape.IsGenericType ? Formulas(shape.GetGenericTypeDefinition()) : formulas.Where(shape.IsAssignableFrom);

    /// <summary>The kernel for every combination of what its type parameters allow.</summary>
    private static IEnumerable<MethodInfo> Closed(MethodInfo kernel)
    {
        if (!kernel.IsGenericMethodDefinition) return [kernel];
        IEnumerable<Type[]> all = [[]];
        foreach (var parameter in kernel.GetGenericArguments())
        {
            var choices = parameter.GetGenericParameterConstraints().Where(t => t.IsInterface).Select(OfShape)
                .Aggregate((a, b) => a.Intersect(b));
            if (parameter.GenericParameterPosition == 0 && kernel.GetGenericArguments().Length > 1) choices = choices.Take(FormulasOfTiles);
            all = all.SelectMany(chosen => choices.Select(choice => (Type[])[.. chosen, choice]));
        }

        return all.Select(kernel.MakeGenericMethod);
    }
}
