using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

internal sealed partial class GpuBackend
{
    private void Launch<T1>(Action<T1> kernel, KernelConfig config, T1 a1)
        where T1 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1>>(kernel) ?? Keep(kernel, accelerator.LoadStreamKernel(kernel)))(config, a1);
    }

    private void Launch<T1, T2>(Action<T1, T2> kernel, KernelConfig config, T1 a1, T2 a2)
        where T1 : struct where T2 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2>>(kernel) ?? Keep(kernel, accelerator.LoadStreamKernel(kernel)))(config, a1, a2);
    }

    private void Launch<T1, T2, T3>(Action<T1, T2, T3> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3)
        where T1 : struct where T2 : struct where T3 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3>>(kernel) ?? Keep(kernel, accelerator.LoadStreamKernel(kernel)))(config, a1, a2, a3);
    }

    private void Launch<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4>>(kernel) ?? Keep(kernel, accelerator.LoadStreamKernel(kernel)))(config, a1, a2, a3, a4);
    }

    private void Launch<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5>>(kernel) ?? Keep(kernel, accelerator.LoadStreamKernel(kernel)))(config, a1, a2, a3, a4, a5);
    }

    private void Launch<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5, T6>>(kernel) ?? Keep(kernel, accelerator.LoadStreamKernel(kernel)))(config, a1, a2, a3, a4, a5, a6);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7>>(kernel) ?? Keep(kernel, accelerator.LoadStreamKernel(kernel)))(config, a1, a2, a3, a4, a5, a6, a7);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8>(Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8>>(kernel) ?? Keep(kernel, accelerator.LoadStreamKernel(kernel)))(config, a1, a2, a3, a4, a5, a6, a7, a8);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9>>(kernel) ?? Keep(kernel, accelerator.LoadStreamKernel(kernel)))(config, a1, a2, a3, a4, a5, a6, a7, a8, a9);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> kernel, KernelConfig config, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6, T7 a7, T8 a8, T9 a9, T10 a10)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct
    {
        lock (gate) (Known<Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>>(kernel) ?? Keep(kernel, accelerator.LoadStreamKernel(kernel)))(config, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10);
    }

    private TLauncher? Known<TLauncher>(Delegate kernel) where TLauncher : Delegate =>
        kernels.TryGetValue(kernel, out var launcher) ? (TLauncher)launcher : null;

    private TLauncher Keep<TLauncher>(Delegate kernel, TLauncher launcher) where TLauncher : Delegate
    {
        kernels.Add(kernel, launcher);
        return launcher;
    }
}
