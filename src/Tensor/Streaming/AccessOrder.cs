namespace Mayfly;

/// <summary>
/// The order in which a step uses what lives in the file: that of the step before tells what comes next. Where this one takes another way
/// it is looked for further on.
/// </summary>
internal sealed class AccessOrder
{
    private List<Paged> last = [], now = [];
    private int place;
    private bool isOpen;

    /// <summary>A step begins: what the last one used is what is expected.</summary>
    public void Start()
    {
        if (now.Count > 0)
        {
            (last, now) = (now, last);
            now.Clear();
        }

        (place, isOpen) = (0, true);
    }

    /// <summary>A step is over: what is used until the next one is no part of it.</summary>
    public void End() => isOpen = false;

    /// <summary>Notes a use.</summary>
    public void Note(Paged page)
    {
        if (isOpen) now.Add(page);
        int found = last.IndexOf(page, Math.Min(place, last.Count));
        if (found < 0) found = last.IndexOf(page);
        if (found >= 0) place = found + 1;
    }

    /// <summary>What is expected next, the nearest first; after the end of a step its begin.</summary>
    public IEnumerable<Paged> Next()
    {
        for (int i = 0; i < last.Count; i++) yield return last[(place + i) % last.Count];
    }

    /// <summary>Forgets what is gone.</summary>
    public void Remove(Paged page)
    {
        last.RemoveAll(p => p == page);
        now.RemoveAll(p => p == page);
        place = Math.Min(place, last.Count);
    }
}
