using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace ILGPU.Runtime;

/// <summary>Kernels with explicit groups; a launch runs every group in turn.</summary>
internal static class KernelLoaders
{
    private static readonly ConcurrentDictionary<Assembly, bool> seen = [];

    public static Action<KernelConfig, T1> LoadStreamKernel<T1>(this Accelerator accelerator, Action<T1> kernel)
        where T1 : struct
    {
        Check(accelerator, kernel);
        return (config, a1) => Launch.Run(accelerator, config, kernel, () => kernel(a1), () => [a1]);
    }

    public static Action<KernelConfig, T1, T2> LoadStreamKernel<T1, T2>(this Accelerator accelerator, Action<T1, T2> kernel)
        where T1 : struct where T2 : struct
    {
        Check(accelerator, kernel);
        return (config, a1, a2) => Launch.Run(accelerator, config, kernel, () => kernel(a1, a2), () => [a1, a2]);
    }

    public static Action<KernelConfig, T1, T2, T3> LoadStreamKernel<T1, T2, T3>(this Accelerator accelerator, Action<T1, T2, T3> kernel)
        where T1 : struct where T2 : struct where T3 : struct
    {
        Check(accelerator, kernel);
        return (config, a1, a2, a3) => Launch.Run(accelerator, config, kernel, () => kernel(a1, a2, a3), () => [a1, a2, a3]);
    }

    public static Action<KernelConfig, T1, T2, T3, T4> LoadStreamKernel<T1, T2, T3, T4>(this Accelerator accelerator, Action<T1, T2, T3, T4> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        Check(accelerator, kernel);
        return (config, a1, a2, a3, a4) => Launch.Run(accelerator, config, kernel, () => kernel(a1, a2, a3, a4), () => [a1, a2, a3, a4]);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5> LoadStreamKernel<T1, T2, T3, T4, T5>(this Accelerator accelerator, Action<T1, T2, T3, T4, T5> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct
    {
        Check(accelerator, kernel);
        return (config, a1, a2, a3, a4, a5) => Launch.Run(accelerator, config, kernel, () => kernel(a1, a2, a3, a4, a5), () => [a1, a2, a3, a4, a5]);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadStreamKernel<T1, T2, T3, T4, T5, T6>(this Accelerator accelerator, Action<T1, T2, T3, T4, T5, T6> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct
    {
        Check(accelerator, kernel);
        return (config, a1, a2, a3, a4, a5, a6) => Launch.Run(accelerator, config, kernel, () => kernel(a1, a2, a3, a4, a5, a6), () => [a1, a2, a3, a4, a5, a6]);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7>(this Accelerator accelerator, Action<T1, T2, T3, T4, T5, T6, T7> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct
    {
        Check(accelerator, kernel);
        return (config, a1, a2, a3, a4, a5, a6, a7) => Launch.Run(accelerator, config, kernel, () => kernel(a1, a2, a3, a4, a5, a6, a7), () => [a1, a2, a3, a4, a5, a6, a7]);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8>(this Accelerator accelerator, Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct
    {
        Check(accelerator, kernel);
        return (config, a1, a2, a3, a4, a5, a6, a7, a8) => Launch.Run(accelerator, config, kernel, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8), () => [a1, a2, a3, a4, a5, a6, a7, a8]);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9>(this Accelerator accelerator, Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct
    {
        Check(accelerator, kernel);
        return (config, a1, a2, a3, a4, a5, a6, a7, a8, a9) => Launch.Run(accelerator, config, kernel, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8, a9), () => [a1, a2, a3, a4, a5, a6, a7, a8, a9]);
    }

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(this Accelerator accelerator, Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct
    {
        Check(accelerator, kernel);
        return (config, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10) => Launch.Run(accelerator, config, kernel, () => kernel(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10), () => [a1, a2, a3, a4, a5, a6, a7, a8, a9, a10]);
    }

    /// <summary>Refuses what ILGPU refuses.</summary>
    private static void Check(Accelerator accelerator, Delegate kernel)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        MethodInfo method = kernel.Method;
        if (!method.IsStatic) throw new NotSupportedException($"Kernel {method.Name}: only static methods can be kernels.");
        foreach (var parameter in method.GetParameters()) CheckVisible(method, parameter.ParameterType);
    }

    /// <summary>The launchers, which ILGPU emits into an assembly of its own, must see the types of all arguments.</summary>
    private static void CheckVisible(MethodInfo method, Type type)
    {
        foreach (var argument in type.GetGenericArguments()) CheckVisible(method, argument);
        for (var part = type; part is not null; part = part.DeclaringType)
            if (!part.IsPublic && !part.IsNestedPublic && !(IsInternal(part) && seen.GetOrAdd(part.Assembly, SeenByLaunchers)))
                throw new NotSupportedException(
                    $"Kernel {method.Name}: {type} must be public, or internal in an assembly with InternalsVisibleTo(\"ILGPURuntime\"): {part.Name} is not.");
    }

    private static bool IsInternal(Type type) => type.IsNested ? type.IsNestedAssembly || type.IsNestedFamORAssem : type.IsNotPublic;

    private static bool SeenByLaunchers(Assembly assembly) =>
        assembly.GetCustomAttributes<InternalsVisibleToAttribute>().Any(a => a.AssemblyName == "ILGPURuntime");
}
