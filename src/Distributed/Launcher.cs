using System.Globalization;

namespace Mayfly;

/// <summary>What has started this process as one of several, by the variables that it sets.</summary>
public static class Launcher
{
    private static readonly (string Size, string Name)[] known =
    [
        ("OMPI_COMM_WORLD_SIZE", "Open MPI's mpirun"),
        ("PMI_SIZE", "mpiexec"), // MPICH's, Intel's and, with --mpi=pmi2, Slurm's
        ("MV2_COMM_WORLD_SIZE", "mpirun_rsh"),
    ];

    /// <summary>The processes that were started together; 1 where nothing says that there are more.</summary>
    public static int Ranks => Number(Found.Size) ?? (IsPmix ? Number("SLURM_NTASKS") ?? 1 : 1);

    /// <summary>This process's number among them.</summary>
    public static int Rank => Number("OMPI_COMM_WORLD_RANK") ?? Number("PMI_RANK") ?? Number("PMIX_RANK") ?? 0;

    /// <summary>What it is called.</summary>
    internal static string Name => Found.Name ?? (IsPmix ? "srun" : "a launcher of several processes");

    /// <summary>True where processes expect Open MPI's library.</summary>
    internal static bool IsOpenMpi => Number("OMPI_COMM_WORLD_SIZE") is not null || IsPmix;

    private static bool IsPmix => Environment.GetEnvironmentVariable("PMIX_RANK") is not null;

    private static (string? Size, string? Name) Found => Array.Find(known, k => Number(k.Size) is not null);

    /// <summary>
    /// The ranks of this run: those that <c>mpirun</c>, <c>mpiexec</c> or <c>srun</c> has started together, or this process alone.
    /// </summary>
    /// <exception cref="InputException">There are several, and no MPI library.</exception>
    public static ICollectives Join() => Ranks > 1 ? new Mpi() : new SingleProcess();

    private static int? Number(string? variable) =>
        variable is not null && int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture,
            out int number) ? number : null;
}
