using System.Text;

namespace Mayfly;

/// <summary>
/// The processes that <c>mpirun -n N</c>, <c>mpiexec</c> or <c>srun</c> has started, by the MPI library of the system: Open MPI or MPICH
/// (or what shares MPICH's ABI, as Intel MPI). The library moves bytes; a process has one of these at most, and once.
/// </summary>
public sealed unsafe class Mpi : ICollectives
{
    /// <summary>Calls come from several threads, one at a time (MPI_THREAD_SERIALIZED).</summary>
    private const int Serialized = 2;

    private const int LongestVersion = 8192; // MPI_MAX_LIBRARY_VERSION_STRING of both
    private readonly nint world, type;
    private bool isFinal;

    /// <summary>Joins the others.</summary>
    /// <exception cref="InputException">There is no MPI library, or it cannot be used.</exception>
    public Mpi()
    {
        (world, type) = MpiLibrary.Found;
        int given, rank, ranks;
        Check(MpiCalls.Init(null, null, Serialized, &given), "Init_thread");
        Check(MpiCalls.Rank(world, &rank), "Comm_rank");
        Check(MpiCalls.Size(world, &ranks), "Comm_size");
        (Rank, Ranks, Name) = (rank, ranks, Version());
        if (given < Serialized)
            throw new InputException($"{Name} was built without threads, which are needed; install one with MPI_THREAD_SERIALIZED.");
        if (Ranks != Launcher.Ranks)
            throw new InputException($"{Launcher.Name} has started {Launcher.Ranks} processes, of which {Name} finds {Ranks}: it is "
                + $"another MPI's; name the right library by the environment variable {MpiLibrary.Variable}.");
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Ranks { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public void AllToAll(ReadOnlySpan<byte> from, Span<byte> to)
    {
        int part = from.Length / Ranks;
        fixed (byte* source = from, target = to)
            Check(MpiCalls.AllToAll(source, part, type, target, part, type, world), "Alltoall");
    }

    /// <inheritdoc/>
    public void AllGather(ReadOnlySpan<byte> own, Span<byte> all)
    {
        fixed (byte* source = own, target = all)
            Check(MpiCalls.AllGather(source, own.Length, type, target, own.Length, type, world), "Allgather");
    }

    /// <inheritdoc/>
    public void Gather(ReadOnlySpan<byte> own, Span<byte> all, int root)
    {
        fixed (byte* source = own, target = all)
            Check(MpiCalls.Gather(source, own.Length, type, target, own.Length, type, root, world), "Gather");
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> bytes, int root)
    {
        fixed (byte* place = bytes) Check(MpiCalls.Broadcast(place, bytes.Length, type, root, world), "Bcast");
    }

    /// <inheritdoc/>
    public void Barrier() => Check(MpiCalls.Barrier(world), "Barrier");

    /// <summary>Ends all processes of the run, this one too.</summary>
    public void Abort(string why) => _ = MpiCalls.Abort(world, 1);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!isFinal) _ = MpiCalls.Finalize();
        isFinal = true;
    }

    private static string Version()
    {
        byte* text = stackalloc byte[LongestVersion];
        int length;
        Check(MpiCalls.Version(text, &length), "Get_library_version");
        string all = Encoding.ASCII.GetString(text, length);
        return all.Split(['\n', ',', '\0'])[0].Replace("\t", " ", StringComparison.Ordinal).Trim();
    }

    private static void Check(int code, string function)
    {
        if (code != 0) throw new RankLostException($"MPI_{function} failed with code {code}: another process may have died.");
    }
}
