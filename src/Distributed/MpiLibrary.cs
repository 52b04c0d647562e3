using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// An MPI library of the system. Open MPI and MPICH share the names of functions, not the handles: those of Open MPI are the addresses of
/// what it exports, those of MPICH numbers of its <c>mpi.h</c>, which its ABI fixes.
/// </summary>
internal sealed record MpiLibrary(nint World, nint Byte)
{
    /// <summary>The environment variable that names another one.</summary>
    public const string Variable = "MAYFLY_MPI";

    private const string OpenMpiWorld = "ompi_mpi_comm_world", OpenMpiByte = "ompi_mpi_byte";
    private const nint MpichWorld = 0x44000000, MpichByte = 0x4c00010d;
    private static readonly string[] openMpi = ["libmpi.so.40", "libmpi.40.dylib", "libmpi.so"];
    private static readonly string[] mpich = ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib", "msmpi.dll"];
    private static readonly Lazy<MpiLibrary> shared = new(Load);

    /// <summary>The one that fits what has launched this process; loaded once.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static MpiLibrary Found => shared.Value;

    private static MpiLibrary Load()
    {
        string[] names = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? [named]
            : Launcher.IsOpenMpi ? [.. openMpi, .. mpich] : [.. mpich, .. openMpi];
        foreach (string name in names)
            if (NativeLibrary.TryLoad(name, out nint handle)) return Of(handle);
        throw new InputException($"There is no MPI library ({string.Join(", ", names)}), which {Launcher.Name} needs: install the one that "
            + $"it is of, such as Debian's openmpi-bin or libmpich12, or name its file by the environment variable {Variable}.");
    }

    private static MpiLibrary Of(nint handle)
    {
        NativeLibrary.SetDllImportResolver(typeof(MpiCalls).Assembly, (name, _, _) => name == MpiCalls.Library ? handle : 0);
        return NativeLibrary.TryGetExport(handle, OpenMpiWorld, out nint world)
            ? new MpiLibrary(world, NativeLibrary.GetExport(handle, OpenMpiByte))
            : new MpiLibrary(MpichWorld, MpichByte);
    }
}
