using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

internal sealed partial class GpuBackend
{
    private string? spoiledBy;

    private void Launch<T1>(Action<T1> kernel, KernelConfig config, T1 a1)
        where T1 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1>>(kernel) ?? Load(kernel, static (a, k) => a.LoadStreamKernel(k)))(config, a1);
    }

    private void Launch<T1, T2>(Action<T1, T2> kernel, KernelConfig config, T1 a1, T2 a2)
        where T1 : struct where T2 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2>>(kernel) ?? Load(kernel, static (a, k) => a.LoadStreamKernel(k)))(config, a1, a2);
    }

    private void Launch<T1, T2, T3>(Action<T1, T2, T3> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3)
        where T1 : struct where T2 : struct where T3 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3>>(kernel) ?? Load(kernel, static (a, k) => a.LoadStreamKernel(k)))(config, a1, a2, a3);
    }

    private void Launch<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4>>(kernel) ?? Load(kernel, static (a, k) => a.LoadStreamKernel(k)))(config, a1, a2, a3, a4);
    }

    private void Launch<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5>>(kernel) ?? Load(kernel, static (a, k) => a.LoadStreamKernel(k)))(config, a1, a2, a3, a4, a5);
    }

    private void Launch<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5, T6>>(kernel) ?? Load(kernel, static (a, k) => a.LoadStreamKernel(k)))(config, a1, a2, a3, a4, a5, a6);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7>>(kernel) ?? Load(kernel, static (a, k) => a.LoadStreamKernel(k)))(config, a1, a2, a3, a4, a5, a6, a7);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8>(Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8>>(kernel) ?? Load(kernel, static (a, k) => a.LoadStreamKernel(k)))(config, a1, a2, a3, a4, a5, a6, a7, a8);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9>>(kernel) ?? Load(kernel, static (a, k) => a.LoadStreamKernel(k)))(config, a1, a2, a3, a4, a5, a6, a7, a8, a9);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>>(kernel) ?? Load(kernel, static (a, k) => a.LoadStreamKernel(k)))(config, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10);
    }

    private TLauncher? Known<TLauncher>(Delegate kernel) where TLauncher : Delegate =>
        kernels.TryGetValue(kernel, out var launcher) ? (TLauncher)launcher : null;

    /// <summary>Compiles a kernel. After one that does not compile, ILGPU's context compiles no other: what ran before still runs.</summary>
    /// <exception cref="NotSupportedException">It does not compile; the message names it.</exception>
    private TLauncher Load<TKernel, TLauncher>(TKernel kernel, Func<Accelerator, TKernel, TLauncher> load) where TKernel : Delegate where TLauncher : Delegate
    {
        if (spoiledBy is not null) throw new NotSupportedException($"{Name}: open the device anew; since a kernel did not compile ({spoiledBy}) it takes no new ones.");
        try
        {
            var launcher = load(accelerator, kernel);
            kernels.Add(kernel, launcher);
            return launcher;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            string formula = string.Join(", ", kernel.Method.GetGenericArguments().Select(t => t.Name));
            spoiledBy = $"{kernel.Method.Name} of {formula}";
            throw new NotSupportedException(
                $"{Name}: the kernel {spoiledBy} does not compile. A formula must be a public struct, or an internal one in an assembly with InternalsVisibleTo(\"ILGPURuntime\"), "
                + $"and use lane operations only: {e.GetBaseException().Message}", e);
        }
    }
}
