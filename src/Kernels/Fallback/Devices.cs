namespace ILGPU.Runtime
{
    internal enum AcceleratorType
    {
        CPU,
        Cuda,
        OpenCL,
    }

    internal abstract class CapabilityContext;

    internal abstract class Device(string name, int warpSize, int maxNumThreadsPerGroup, int numMultiprocessors)
    {
        public string Name { get; } = name;

        public long MemorySize => long.MaxValue;

        public int WarpSize { get; } = warpSize;

        public int MaxNumThreadsPerGroup { get; } = maxNumThreadsPerGroup;

        public int MaxSharedMemoryPerGroup => 48 * 1024;

        public int NumMultiprocessors { get; } = numMultiprocessors;

        public abstract AcceleratorType AcceleratorType { get; }

        public abstract Accelerator CreateAccelerator(Context context);
    }
}

namespace ILGPU.Runtime.CPU
{
    internal sealed class CPUCapabilityContext : CapabilityContext;

    /// <summary>The simulated multiprocessor: its groups have at most warps times threads lanes.</summary>
    internal sealed class CPUDevice : Device
    {
        public CPUDevice(int numThreadsPerWarp, int numWarpsPerMultiprocessor, int numMultiprocessors)
            : base("CPUAccelerator", numThreadsPerWarp, checked(numThreadsPerWarp * numWarpsPerMultiprocessor), numMultiprocessors)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(numThreadsPerWarp, 2);
            ArgumentOutOfRangeException.ThrowIfLessThan(numWarpsPerMultiprocessor, 1);
            ArgumentOutOfRangeException.ThrowIfLessThan(numMultiprocessors, 1);
        }

        public override AcceleratorType AcceleratorType => AcceleratorType.CPU;

        public override Accelerator CreateAccelerator(Context context) => new CPUAccelerator(this);
    }
}

namespace ILGPU.Runtime.OpenCL
{
    internal sealed class CLCapabilityContext : CapabilityContext
    {
        public bool Float64 => true;
    }
}
