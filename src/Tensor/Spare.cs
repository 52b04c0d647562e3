namespace Mayfly;

/// <summary>Emptied books kept by each thread for their next use, so that a training step grows no lists.</summary>
/// <typeparam name="T">A collection or a set of them.</typeparam>
internal static class Spare<T> where T : class, new()
{
    private const int Most = 32;
    [ThreadStatic] private static Stack<T>? kept;

    /// <summary>Hands out empty books.</summary>
    public static T Rent() => kept is not null && kept.TryPop(out var books) ? books : new T();

    /// <summary>Takes books back; the caller has emptied them.</summary>
    public static void Return(T books)
    {
        kept ??= new Stack<T>();
        if (kept.Count < Most) kept.Push(books);
    }
}
