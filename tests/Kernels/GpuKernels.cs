using System.Reflection;
using Mayfly.Tests.GpuFormulas;

namespace Mayfly.Tests;

/// <summary>
/// Every kernel of src/Kernels/Gpu, found by reflection: the public static methods of the static classes whose names end in Kernel or Kernels. A generic
/// one appears once for every formula of its shape, in the library and in <see cref="GpuFormulas"/>.
/// </summary>
internal static class GpuKernels
{
    private static readonly Type[] formulas =
    [
        .. Directory.GetFiles(AppContext.BaseDirectory, "Mayfly.*.dll").Order(StringComparer.Ordinal).SelectMany(file => Assembly.LoadFrom(file).GetTypes())
            .Concat(typeof(EveryOperation).Assembly.GetTypes().Where(t => t.Namespace == typeof(EveryOperation).Namespace))
            .Where(t => t.IsValueType && !t.IsGenericTypeDefinition),
    ];

    /// <summary>All of them, with their type arguments.</summary>
    public static IReadOnlyList<MethodInfo> All { get; } =
    [
        .. typeof(Backend).Assembly.GetTypes().Where(t => t.IsAbstract && t.IsSealed && (t.Name.EndsWith("Kernel") || t.Name.EndsWith("Kernels")))
            .OrderBy(t => t.Name, StringComparer.Ordinal)
            .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)).SelectMany(Closed),
    ];

    /// <summary>The formulas of a shape such as <c>typeof(IMap1&lt;&gt;)</c>.</summary>
    public static IEnumerable<Type> Formulas(Type shape) =>
        formulas.Where(t => t.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == shape));

    /// <summary>A name that tells kernels and formulas apart.</summary>
    public static string Name(MethodInfo kernel)
    {
        string formula = kernel.IsGenericMethod ? $"<{string.Join(", ", kernel.GetGenericArguments().Select(t => t.FullName!.Replace("Mayfly.", "")))}>" : "";
        return $"{kernel.DeclaringType!.Name}.{kernel.Name}{formula}";
    }

    /// <summary>The kernel of a name.</summary>
    public static MethodInfo Get(string name) => All.Single(kernel => Name(kernel) == name);

    private static IEnumerable<MethodInfo> Closed(MethodInfo kernel)
    {
        if (!kernel.IsGenericMethodDefinition) return [kernel];
        var shape = kernel.GetGenericArguments().Single().GetGenericParameterConstraints().Single(t => t.IsGenericType && t.IsInterface).GetGenericTypeDefinition();
        return Formulas(shape).Select(formula => kernel.MakeGenericMethod(formula));
    }
}
