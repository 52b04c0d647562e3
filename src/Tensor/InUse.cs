namespace Mayfly;

/// <summary>
/// The loose memory that kernels of this thread were handed since it last began an op or made a tensor of values: a kernel holds the memory
/// alone, not the tensor, and a tensor that the program no longer knows must not give it back before the kernel is done.
/// </summary>
internal static class InUse
{
    /// <summary>More than one op is handed.</summary>
    private const int Most = 1024;

    [ThreadStatic] private static List<Storage>? held;

    /// <summary>Holds memory until this thread begins the next op.</summary>
    public static void Add(Storage storage)
    {
        held ??= [];
        if (held.Count == Most) held.RemoveRange(0, Most / 2);
        held.Add(storage);
    }

    /// <summary>An op begins: what earlier ones were handed is no longer in use.</summary>
    public static void Clear() => held?.Clear();
}
