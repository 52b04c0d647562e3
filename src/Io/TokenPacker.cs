namespace Mayfly;

/// <summary>
/// Packs documents of any length into one sequence, from which windows are cut: no padding, so no position is computed in vain. A window
/// may hold the end of one document and the beginning of the next; the separator between them says so to the model.
/// </summary>
public static class TokenPacker
{
    /// <summary>The ids of the documents one after the other, a separator after each. Empty documents are left out.</summary>
    /// <param name="documents">The ids of each document.</param>
    /// <param name="separator">The id that ends a document.</param>
    public static int[] Pack(IEnumerable<int[]> documents, int separator)
    {
        var packed = new List<int>();
        foreach (int[] document in documents)
        {
            if (document.Length == 0) continue;
            packed.AddRange(document);
            packed.Add(separator);
        }

        return [.. packed];
    }
}
