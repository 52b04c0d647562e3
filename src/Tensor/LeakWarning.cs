namespace Mayfly;

/// <summary>Says once on the standard error that memory was lost.</summary>
internal static class LeakWarning
{
    private static int said;

    /// <summary>Says what was lost, the first time.</summary>
    public static void Say(string what)
    {
        if (Interlocked.Exchange(ref said, 1) == 0)
            Console.Error.WriteLine(
                $"Mayfly: memory is lost: {what} was garbage-collected before it was disposed. Dispose models, updaters and kept "
                + "tensors; Device.Arena.Report counts such leaks. This is said once.");
    }
}
