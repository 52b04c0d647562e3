// What the kernel sources use of ILGPU 1.5, run by plain loops on the host: compiled where no package feed serves ILGPU.
// Namespaces, signatures and the choice between member and extension method are ILGPU's, so the same sources build on both.
namespace ILGPU
{
    internal sealed class Context : IDisposable
    {
        internal sealed class Builder;

        public static Context Create(Action<Builder> build)
        {
            build(new Builder());
            return new Context();
        }

        public void Dispose()
        {
        }
    }
}

namespace ILGPU.Runtime.CPU
{
    /// <summary>The simulated group; its form changes no result.</summary>
    internal sealed class CPUDevice
    {
        public CPUDevice(int numThreadsPerWarp, int numWarpsPerMultiprocessor, int numMultiprocessors)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(numThreadsPerWarp, 2);
            ArgumentOutOfRangeException.ThrowIfLessThan(numWarpsPerMultiprocessor, 1);
            ArgumentOutOfRangeException.ThrowIfLessThan(numMultiprocessors, 1);
        }
    }

    internal sealed class CPUAccelerator : Accelerator;

    internal static class CPUContextExtensions
    {
        public static Context.Builder CPU(this Context.Builder builder, CPUDevice device)
        {
            ArgumentNullException.ThrowIfNull(device);
            return builder;
        }

        public static CPUAccelerator CreateCPUAccelerator(this Context context, int cpuDeviceIndex)
        {
            ArgumentNullException.ThrowIfNull(context);
            ArgumentOutOfRangeException.ThrowIfNotEqual(cpuDeviceIndex, 0);
            return new CPUAccelerator();
        }
    }
}

namespace ILGPU.Algorithms
{
    internal static class AlgorithmContext
    {
        public static Context.Builder EnableAlgorithms(this Context.Builder builder) => builder;
    }

    /// <summary>The functions a kernel may call.</summary>
    internal static class XMath
    {
        public static bool IsNaN(float value) => float.IsNaN(value);

        public static float Abs(float value) => MathF.Abs(value);

        public static float Sqrt(float value) => MathF.Sqrt(value);

        public static float Exp(float value) => MathF.Exp(value);

        public static float Log(float value) => MathF.Log(value);
    }
}
