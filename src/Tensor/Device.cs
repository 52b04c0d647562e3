namespace Mayfly;

/// <summary>
/// Where tensors live and ops run: a backend and its arena. The CPU is the default; the reference computes everything in naive loops, in double
/// precision unless asked otherwise, and is the device of gradient checks. Several threads may use one device at a time.
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
    }

    /// <summary>The CPU with all its cores and its widest vectors; shared by the process.</summary>
    public static Device Cpu => SharedCpu.Value;

    /// <summary>The reference in double precision; shared by the process.</summary>
    public static Device Reference => SharedReference.Value;

    /// <summary>The kernels.</summary>
    public Backend Backend { get; }

    /// <summary>The memory.</summary>
    public Arena Arena { get; }

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

    /// <summary>Opens a scope: tensors made on this device by this thread until it closes are freed with it.</summary>
    public Scope Scope(string name) => Mayfly.Scope.Open(this, name);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <inheritdoc/>
    public void Dispose()
    {
        Arena.Dispose();
        Backend.Dispose();
    }
}
