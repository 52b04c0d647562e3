namespace Mayfly;

/// <summary>
/// Where tensors live and ops run: a backend and its arena. The CPU is the default; the reference computes everything in naive loops, in
/// double precision unless asked otherwise, and is the device of gradient checks. Several threads may use one device at a time.
/// </summary>
public sealed class Device : IDisposable
{
    private static readonly Lazy<Device> SharedCpu = new(() => CreateCpu());
    private static readonly Lazy<Device> SharedReference = new(() => CreateReference());

    /// <summary>Makes a device of a backend, which it then owns.</summary>
    public Device(Backend backend)
    {
        Backend = backend;
        Arena = new Arena(backend);
        MemoryMeter.Add(Arena);
    }

    /// <summary>The CPU with all its cores and its widest vectors; shared by the process.</summary>
    public static Device Cpu => SharedCpu.Value;

    /// <summary>The reference in double precision; shared by the process.</summary>
    public static Device Reference => SharedReference.Value;

    /// <summary>The kernels.</summary>
    public Backend Backend { get; }

    /// <summary>The memory.</summary>
    public Arena Arena { get; }

    /// <summary>Where weights and states live in a file, or null: see <see cref="Stream(string, long)"/>.</summary>
    public Residency? Residency => Pager as Residency;

    /// <summary>What keeps large weights and states elsewhere while nobody uses them, or null.</summary>
    public Pager? Pager { get; internal set; }

    /// <summary>The type of parameters, activations and gradients here: F32, or F64 on the reference.</summary>
    public DType Float => Backend.Float;

    /// <summary>The backend's name.</summary>
    public string Name => Backend.Name;

    /// <summary>A CPU device of one's own.</summary>
    /// <param name="threads">Computing threads; 0 takes every core.</param>
    /// <param name="vectorBits">128, 256 or 512; 0 takes the widest the machine has.</param>
    /// <exception cref="ArgumentException">An impossible number.</exception>
    public static Device CreateCpu(int threads = 0, int vectorBits = 0) => new(CpuBackends.Create(threads, vectorBits));

    /// <summary>A reference device of one's own.</summary>
    /// <param name="type">F64 or F32.</param>
    /// <exception cref="ArgumentException">Another type.</exception>
    public static Device CreateReference(DType type = DType.F64) => type switch
    {
        DType.F64 => new Device(new ReferenceBackend<D1>()),
        DType.F32 => new Device(new ReferenceBackend<F1>()),
        _ => throw new ArgumentException($"The reference device computes in F64 or F32, not {type}."),
    };

    /// <summary>
    /// A device that counts memory and arithmetic and computes nothing: a model made and a step done on it show what they would take,
    /// though no such memory is there.
    /// </summary>
    /// <param name="isAsynchronous">Whether the device that it stands for is asynchronous, as GPUs are.</param>
    public static Device CreateDry(bool isAsynchronous = false) => new(new DryBackend(DType.F32, isAsynchronous));

    /// <summary>A CUDA device of one's own.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <exception cref="DeviceUnavailableException">There is none; the message says why.</exception>
    public static Device Cuda(int index = 0) => new(GpuBackends.Create(GpuKind.Cuda, index));

    /// <summary>An OpenCL device of one's own.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <exception cref="DeviceUnavailableException">There is none; the message says why.</exception>
    public static Device OpenCL(int index = 0) => new(GpuBackends.Create(GpuKind.OpenCL, index));

    /// <summary>
    /// A device of one's own of the first kind this machine has: CUDA, OpenCL, CPU. CPUs behind OpenCL are not taken.
    /// </summary>
    public static Device Best() => Open("auto");

    /// <summary>A device of one's own by its name.</summary>
    /// <param name="name"><c>auto</c>, <c>cpu</c>, <c>cuda:0</c>, <c>opencl:0</c>, <c>ilgpu-cpu</c>; a number left out is 0.</param>
    /// <param name="threads">Computing threads of the CPU; 0 takes every core.</param>
    /// <exception cref="DeviceUnavailableException">There is none of this name; the message says why.</exception>
    public static Device Open(string name, int threads = 0)
    {
        string kind = name.Split(':')[0];
        int index = 0;
        bool isNumbered = kind is "cuda" or "opencl";
        if (name != kind
            && (!isNumbered || !int.TryParse(name[(kind.Length + 1)..], System.Globalization.NumberStyles.None, null, out index)))
            throw new DeviceUnavailableException($"There is no device {name}; allowed are auto, cpu, cuda:0, "
                + "opencl:0 (and further numbers) and ilgpu-cpu.");
        return kind switch
        {
            "auto" => FirstGpu() ?? CreateCpu(threads),
            "cpu" => CreateCpu(threads),
            "cuda" => Cuda(index),
            "opencl" => OpenCL(index),
            "ilgpu-cpu" => new Device(GpuBackends.CreateIlgpuCpu()),
            _ => throw new DeviceUnavailableException(
                $"There is no device {name}; allowed are auto, cpu, cuda:0, opencl:0 (and further numbers) and ilgpu-cpu."),
        };
    }

    /// <summary>The first GPU that is there and can run all kernels.</summary>
    private static Device? FirstGpu()
    {
        foreach (var entry in GpuBackends.List().Where(d => d.IsGpu))
            try
            {
                return Open(entry.Name);
            }
            catch (DeviceUnavailableException)
            {
                // the next one may do
            }

        return null;
    }

    /// <summary>
    /// The numbers in which a GPU's large matrix products take their operands: other than single precision by tensor cores, on CUDA devices
    /// of compute capability 8.0 and later.
    /// </summary>
    /// <exception cref="NotSupportedException">Set to other than single precision, and the device has none such.</exception>
    public ProductPrecision Precision
    {
        get => (Backend as GpuBackend)?.Precision ?? ProductPrecision.Fp32;
        set
        {
            if (Backend is GpuBackend gpu) gpu.Precision = value;
            else if (value != ProductPrecision.Fp32)
                throw new NotSupportedException(
                    $"{Name} multiplies in its own precision; {value} takes a CUDA device of compute capability 8.0 or later.");
        }
    }

    /// <summary>The devices of this machine by name, with a line for each kind that is not there and why.</summary>
    public static IReadOnlyList<DeviceEntry> List() =>
        [new DeviceEntry("cpu", true, Cpu.Name), .. GpuBackends.List()];

    /// <summary>Opens a scope: tensors made on this device by this thread until it closes are freed with it.</summary>
    public Scope Scope(string name) => Mayfly.Scope.Open(this, name);

    /// <summary>
    /// Lets the large weights and states that are made from now on live in a file, and in memory only while they are used, so that all
    /// tensors of this device together stay within a bound. What is computed is the same, to the bit; only what one op needs at a time must
    /// fit. Disposing the device deletes the file.
    /// </summary>
    /// <param name="path">
    /// The working file: a new one, or one that a run has left which died. Its folder is made where it is missing.
    /// </param>
    /// <param name="residentBytes">
    /// The most bytes of memory that the device's tensors may take; 0 sets no bound, and nothing stays longer than an op needs it.
    /// </param>
    /// <exception cref="StreamException">The file cannot be made, is another run's or another file.</exception>
    /// <exception cref="NotSupportedException">The device's memory is not the host's.</exception>
    /// <exception cref="InvalidOperationException">It streams already.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Fewer bytes than none.</exception>
    public Residency Stream(string path, long residentBytes) => Stream(path, new StreamOptions { ResidentBytes = residentBytes });

    internal Residency Stream(string path, StreamOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.ResidentBytes, "residentBytes");
        if (Pager is not null) throw new InvalidOperationException($"Stream: {Name} keeps its weights elsewhere already.");
        if (Backend.IsAsynchronous)
            throw new NotSupportedException($"Stream: {Name} has memory of its own; weights stream to the CPU only.");
        var residency = new Residency(Arena, Backend.IsDry ? null : new StreamFile(path, options.Disk), options);
        Pager = residency;
        return residency;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <inheritdoc/>
    public void Dispose()
    {
        Pager?.Dispose();
        MemoryMeter.Remove(Arena);
        Arena.Dispose();
        Backend.Dispose();
    }
}
