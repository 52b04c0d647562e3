using ILGPU;
using ILGPU.Runtime;
using Stream = ILGPU.Runtime.AcceleratorStream;

namespace Mayfly;

public sealed partial class GpuBackend
{
    private string? spoiledBy;

    /// <summary>
    /// Hands a kernel to the device, compiling it at the first call. A kernel is a public static method of a public type.
    /// </summary>
    /// <param name="kernel">The method itself, without a lambda around it.</param>
    /// <param name="config">Groups, and lanes of a group: <see cref="Over"/> fits loops by <see cref="Lanes"/>.</param>
    /// <param name="a">Its argument: a number, a view of the device's memory, or a struct of these.</param>
    /// <exception cref="NotSupportedException">The kernel does not compile; the message names it.</exception>
    public void Launch<A>(Action<A> kernel, KernelConfig config, A a)
        where A : struct =>
        Launched(kernel, () => Launcher<Action<Stream, KernelConfig, A>>(kernel)(stream, config, a));

    /// <inheritdoc cref="Launch{A}(Action{A}, KernelConfig, A)"/>
    public void Launch<A, B>(Action<A, B> kernel, KernelConfig config, A a, B b)
        where A : struct where B : struct =>
        Launched(kernel, () => Launcher<Action<Stream, KernelConfig, A, B>>(kernel)(stream, config, a, b));

    /// <inheritdoc cref="Launch{A}(Action{A}, KernelConfig, A)"/>
    public void Launch<A, B, C>(Action<A, B, C> kernel, KernelConfig config, A a, B b, C c)
        where A : struct where B : struct where C : struct =>
        Launched(kernel, () => Launcher<Action<Stream, KernelConfig, A, B, C>>(kernel)(stream, config, a, b, c));

    /// <inheritdoc cref="Launch{A}(Action{A}, KernelConfig, A)"/>
    public void Launch<A, B, C, D>(Action<A, B, C, D> kernel, KernelConfig config, A a, B b, C c, D d)
        where A : struct where B : struct where C : struct where D : struct =>
        Launched(kernel, () => Launcher<Action<Stream, KernelConfig, A, B, C, D>>(kernel)(stream, config, a, b, c, d));

    /// <inheritdoc cref="Launch{A}(Action{A}, KernelConfig, A)"/>
    public void Launch<A, B, C, D, E>(Action<A, B, C, D, E> kernel, KernelConfig config, A a, B b, C c, D d, E e)
        where A : struct where B : struct where C : struct where D : struct where E : struct =>
        Launched(kernel, () => Launcher<Action<Stream, KernelConfig, A, B, C, D, E>>(kernel)(stream, config, a, b, c, d, e));

    /// <inheritdoc cref="Launch{A}(Action{A}, KernelConfig, A)"/>
    public void Launch<A, B, C, D, E, F>(Action<A, B, C, D, E, F> kernel, KernelConfig config, A a, B b, C c, D d, E e, F f)
        where A : struct where B : struct where C : struct where D : struct where E : struct where F : struct =>
        Launched(kernel, () => Launcher<Action<Stream, KernelConfig, A, B, C, D, E, F>>(kernel)(stream, config, a, b, c, d, e, f));

    /// <inheritdoc cref="Launch{A}(Action{A}, KernelConfig, A)"/>
    public void Launch<A, B, C, D, E, F, G>(Action<A, B, C, D, E, F, G> kernel, KernelConfig config, A a, B b, C c, D d, E e, F f, G g)
        where A : struct where B : struct where C : struct where D : struct where E : struct where F : struct where G : struct =>
        Launched(kernel, () => Launcher<Action<Stream, KernelConfig, A, B, C, D, E, F, G>>(kernel)(stream, config, a, b, c, d, e, f, g));

    /// <inheritdoc cref="Launch{A}(Action{A}, KernelConfig, A)"/>
    public void Launch<A, B, C, D, E, F, G, H>(
        Action<A, B, C, D, E, F, G, H> kernel, KernelConfig config, A a, B b, C c, D d, E e, F f, G g, H h)
        where A : struct where B : struct where C : struct where D : struct where E : struct
        where F : struct where G : struct where H : struct =>
        Launched(kernel, () =>
            Launcher<Action<Stream, KernelConfig, A, B, C, D, E, F, G, H>>(kernel)(stream, config, a, b, c, d, e, f, g, h));

    /// <inheritdoc cref="Launch{A}(Action{A}, KernelConfig, A)"/>
    public void Launch<A, B, C, D, E, F, G, H, I>(
        Action<A, B, C, D, E, F, G, H, I> kernel, KernelConfig config, A a, B b, C c, D d, E e, F f, G g, H h, I i)
        where A : struct where B : struct where C : struct where D : struct where E : struct
        where F : struct where G : struct where H : struct where I : struct =>
        Launched(kernel, () =>
            Launcher<Action<Stream, KernelConfig, A, B, C, D, E, F, G, H, I>>(kernel)(stream, config, a, b, c, d, e, f, g, h, i));

    /// <inheritdoc cref="Launch{A}(Action{A}, KernelConfig, A)"/>
    internal void Launch<A, B, C, D, E, F, G, H, I, J>(
        Action<A, B, C, D, E, F, G, H, I, J> kernel, KernelConfig config, A a, B b, C c, D d, E e, F f, G g, H h, I i, J j)
        where A : struct where B : struct where C : struct where D : struct where E : struct
        where F : struct where G : struct where H : struct where I : struct where J : struct =>
        Launched(kernel, () =>
            Launcher<Action<Stream, KernelConfig, A, B, C, D, E, F, G, H, I, J>>(kernel)(stream, config, a, b, c, d, e, f, g, h, i, j));

    /// <summary>Compiles a kernel that is launched later, so that the call which needs it hears where it does not compile.</summary>
    private void Compile<A>(Action<A> kernel) where A : struct
    {
        lock (Gate) Launcher<Action<Stream, KernelConfig, A>>(kernel);
    }

    /// <inheritdoc cref="Compile{A}(Action{A})"/>
    private void Compile<A, B>(Action<A, B> kernel) where A : struct where B : struct
    {
        lock (Gate) Launcher<Action<Stream, KernelConfig, A, B>>(kernel);
    }

    /// <summary>Lets a kernel go.</summary>
    private void Launched(Delegate kernel, Action launch) => Guarded(() =>
    {
        launch();
        Meter.Launched(kernel.Method);
    });

    /// <summary>Lets the driver do something, one thing at a time; where it fails the device is lost.</summary>
    private void Guarded(Action call)
    {
        lock (Gate)
        {
            try
            {
                LaunchWaiting();
                Calling.Value?.Invoke();
                call();
            }
            catch (AcceleratorException e)
            {
                throw new DeviceLostException(
                    $"{Name} failed: {e.Message.TrimEnd('.')}. What it held is lost; check the driver, or use a smaller batch where memory "
                    + "is short.", e);
            }
        }
    }

    /// <summary>The names of a formula, or of those it is made of.</summary>
    private static IEnumerable<string> Formulas(Type type) =>
        type.IsGenericType ? type.GetGenericArguments().SelectMany(Formulas) : [type.Name];

    /// <summary>
    /// Finds or compiles a kernel. After one that does not compile, ILGPU's context compiles no other: what ran before still runs.
    /// </summary>
    private TLauncher Launcher<TLauncher>(Delegate kernel) where TLauncher : Delegate
    {
        if (kernels.TryGetValue(kernel, out var known)) return (TLauncher)known;
        if (spoiledBy is not null)
            throw new NotSupportedException(
                $"{Name}: open the device anew; since a kernel did not compile ({spoiledBy}) it takes no new ones.");
        try
        {
            var launcher = accelerator.LoadKernel(kernel.Method).CreateLauncherDelegate<TLauncher>();
            kernels.Add(kernel, launcher);
            Meter.Compiled++;
            return launcher;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            spoiledBy = $"{kernel.Method.Name} of {string.Join(", ", kernel.Method.GetGenericArguments().SelectMany(Formulas))}";
            throw new NotSupportedException(
                $"{Name}: the kernel {spoiledBy} does not compile. A formula must be a public struct, or an internal one "
                + $"in an assembly with InternalsVisibleTo(\"ILGPURuntime\"), and use lane operations only: "
                + e.GetBaseException().Message, e);
        }
    }
}
