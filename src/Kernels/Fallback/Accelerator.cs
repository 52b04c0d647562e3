using ILGPU.Runtime;

namespace ILGPU.Runtime
{
    /// <summary>What an accelerator's driver refuses.</summary>
    internal class AcceleratorException(string message) : Exception(message);

    /// <summary>A launch has ended when it returns; streams and synchronisation have nothing left to do.</summary>
    internal abstract class Accelerator(Device device) : IDisposable
    {
        public Device Device { get; } = device;

        public AcceleratorStream DefaultStream { get; } = new();

        public string Name => Device.Name;

        public CapabilityContext Capabilities { get; } = new CPU.CPUCapabilityContext();

        public AcceleratorType AcceleratorType => Device.AcceleratorType;

        public long MemorySize => Device.MemorySize;

        public int WarpSize => Device.WarpSize;

        public int MaxNumThreadsPerGroup => Device.MaxNumThreadsPerGroup;

        public int MaxSharedMemoryPerGroup => Device.MaxSharedMemoryPerGroup;

        public int NumMultiprocessors => Device.NumMultiprocessors;

        public MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(long length) where T : unmanaged => new(length);

        public void Synchronize()
        {
        }

        public void Dispose()
        {
        }
    }

    internal sealed class AcceleratorStream
    {
        public void Synchronize()
        {
        }
    }
}

namespace ILGPU.Runtime.CPU
{
    internal sealed class CPUAccelerator(CPUDevice device) : Accelerator(device);
}
