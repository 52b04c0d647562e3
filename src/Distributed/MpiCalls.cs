using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// The functions of an MPI library, version 3 of the standard, that <see cref="Mpi"/> calls. Handles are pointers in Open MPI and 32-bit
/// numbers in MPICH and its relatives: the calling conventions pass either as a word.
/// </summary>
internal static unsafe partial class MpiCalls
{
    /// <summary>The name that stands for the library that was found.</summary>
    public const string Library = "mpi";

    [LibraryImport(Library, EntryPoint = "MPI_Init_thread")]
    public static partial int Init(int* count, byte*** arguments, int wanted, int* given);

    [LibraryImport(Library, EntryPoint = "MPI_Finalize")]
    public static partial int Finalize();

    [LibraryImport(Library, EntryPoint = "MPI_Comm_rank")]
    public static partial int Rank(nint world, int* rank);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_size")]
    public static partial int Size(nint world, int* ranks);

    [LibraryImport(Library, EntryPoint = "MPI_Get_library_version")]
    public static partial int Version(byte* text, int* length);

    [LibraryImport(Library, EntryPoint = "MPI_Alltoall")]
    public static partial int AllToAll(byte* from, int sent, nint type, byte* to, int received, nint sameType, nint world);

    [LibraryImport(Library, EntryPoint = "MPI_Allgather")]
    public static partial int AllGather(byte* own, int sent, nint type, byte* all, int received, nint sameType, nint world);

    [LibraryImport(Library, EntryPoint = "MPI_Gather")]
    public static partial int Gather(byte* own, int sent, nint type, byte* all, int received, nint sameType, int root, nint world);

    [LibraryImport(Library, EntryPoint = "MPI_Bcast")]
    public static partial int Broadcast(byte* bytes, int count, nint type, int root, nint world);

    [LibraryImport(Library, EntryPoint = "MPI_Barrier")]
    public static partial int Barrier(nint world);

    [LibraryImport(Library, EntryPoint = "MPI_Abort")]
    public static partial int Abort(nint world, int code);
}
