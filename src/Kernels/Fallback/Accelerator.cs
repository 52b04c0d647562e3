using System.Reflection;

namespace ILGPU.Runtime;

internal abstract class Accelerator : IDisposable
{
    public MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(long length) where T : unmanaged => new(new T[length]);

    public void Synchronize()
    {
    }

    public void Dispose()
    {
    }
}

internal static class AcceleratorExtensions
{
    public static MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(this Accelerator accelerator, T[] data) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        return new((T[])data.Clone());
    }
}

/// <summary>A launch calls the kernel once per index, in order.</summary>
internal static class KernelLoaders
{
    public static Action<TIndex, T1, T2, T3> LoadAutoGroupedStreamKernel<TIndex, T1, T2, T3>(
        this Accelerator accelerator, Action<TIndex, T1, T2, T3> action)
        where TIndex : struct, IIndex where T1 : struct where T2 : struct where T3 : struct
    {
        var (kernel, name) = Check<Action<Index1D, T1, T2, T3>>(accelerator, action);
        return Launcher<Action<TIndex, T1, T2, T3>>((Index1D extent, T1 a, T2 b, T3 c) =>
        {
            (a, b, c) = (Named(a, name[1]), Named(b, name[2]), Named(c, name[3]));
            for (int i = 0; i < extent; i++) kernel(i, a, b, c);
        });
    }

    public static Action<TIndex, T1, T2, T3, T4> LoadAutoGroupedStreamKernel<TIndex, T1, T2, T3, T4>(
        this Accelerator accelerator, Action<TIndex, T1, T2, T3, T4> action)
        where TIndex : struct, IIndex where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        var (kernel, name) = Check<Action<Index1D, T1, T2, T3, T4>>(accelerator, action);
        return Launcher<Action<TIndex, T1, T2, T3, T4>>((Index1D extent, T1 a, T2 b, T3 c, T4 d) =>
        {
            (a, b, c, d) = (Named(a, name[1]), Named(b, name[2]), Named(c, name[3]), Named(d, name[4]));
            for (int i = 0; i < extent; i++) kernel(i, a, b, c, d);
        });
    }

    public static Action<TIndex, T1, T2, T3, T4, T5> LoadAutoGroupedStreamKernel<TIndex, T1, T2, T3, T4, T5>(
        this Accelerator accelerator, Action<TIndex, T1, T2, T3, T4, T5> action)
        where TIndex : struct, IIndex where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct
    {
        var (kernel, name) = Check<Action<Index1D, T1, T2, T3, T4, T5>>(accelerator, action);
        return Launcher<Action<TIndex, T1, T2, T3, T4, T5>>((Index1D extent, T1 a, T2 b, T3 c, T4 d, T5 e) =>
        {
            (a, b, c, d, e) = (Named(a, name[1]), Named(b, name[2]), Named(c, name[3]), Named(d, name[4]), Named(e, name[5]));
            for (int i = 0; i < extent; i++) kernel(i, a, b, c, d, e);
        });
    }

    public static Action<TIndex, T1, T2, T3, T4, T5, T6> LoadAutoGroupedStreamKernel<TIndex, T1, T2, T3, T4, T5, T6>(
        this Accelerator accelerator, Action<TIndex, T1, T2, T3, T4, T5, T6> action)
        where TIndex : struct, IIndex where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct
    {
        var (kernel, name) = Check<Action<Index1D, T1, T2, T3, T4, T5, T6>>(accelerator, action);
        return Launcher<Action<TIndex, T1, T2, T3, T4, T5, T6>>((Index1D extent, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f) =>
        {
            (a, b, c) = (Named(a, name[1]), Named(b, name[2]), Named(c, name[3]));
            (d, e, f) = (Named(d, name[4]), Named(e, name[5]), Named(f, name[6]));
            for (int i = 0; i < extent; i++) kernel(i, a, b, c, d, e, f);
        });
    }

    /// <summary>Refuses what ILGPU refuses: long or higher indices here, and kernels that are not static methods.</summary>
    private static (TKernel Kernel, string[] Names) Check<TKernel>(Accelerator accelerator, Delegate action) where TKernel : Delegate
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        MethodInfo method = action.Method;
        if (!method.IsStatic) throw new NotSupportedException($"Kernel {method.Name}: only static methods can be kernels.");
        if (action is not TKernel kernel) throw new NotSupportedException($"Kernel {method.Name}: the first parameter must be an Index1D.");
        return (kernel, [.. method.GetParameters().Select(p => p.Name ?? "")]);
    }

    private static TLauncher Launcher<TLauncher>(Delegate launch) where TLauncher : Delegate => (TLauncher)launch;

    private static T Named<T>(T argument, string name) where T : struct => argument is INamedView view ? (T)view.Named(name) : argument;
}
