// What the kernel sources and their host use of ILGPU 1.5, run on the host: compiled where no package feed serves ILGPU.
// Namespaces, signatures and the choice between member and extension method are ILGPU's, so the same sources build on both.
using System.Collections.Immutable;
using ILGPU.Runtime;

namespace ILGPU
{
    internal enum OptimizationLevel
    {
        O0,
        O1,
        O2,
    }

    internal static class AlgorithmContext
    {
        public static Context.Builder EnableAlgorithms(this Context.Builder builder) => builder;
    }

    internal sealed class Context : IDisposable
    {
        private Context(ImmutableArray<Device> devices) => Devices = devices;

        public ImmutableArray<Device> Devices { get; }

        public static Context Create(Action<Builder> build)
        {
            var builder = new Builder();
            build(builder);
            return new Context([.. builder.Devices]);
        }

        public void Dispose()
        {
        }

        internal sealed class Builder
        {
            internal List<Device> Devices { get; } = [];

            /// <summary>Only the simulated one: this build has no driver's interface.</summary>
            public Builder AllAccelerators()
            {
                Devices.Add(new Runtime.CPU.CPUDevice(4, 4, 1));
                return this;
            }

            public Builder Optimize(OptimizationLevel level)
            {
                if (!Enum.IsDefined(level)) throw new ArgumentOutOfRangeException(nameof(level));
                return this;
            }
        }
    }
}

namespace ILGPU.Runtime.CPU
{
    internal static class CPUContextExtensions
    {
        public static Context.Builder CPU(this Context.Builder builder, CPUDevice device)
        {
            builder.Devices.Add(device);
            return builder;
        }

        public static CPUAccelerator CreateCPUAccelerator(this Context context, int cpuDeviceIndex) =>
            new(context.Devices.OfType<CPUDevice>().ElementAt(cpuDeviceIndex));
    }
}
