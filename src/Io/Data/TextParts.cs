using System.Text;

namespace Mayfly;

/// <summary>Reads text of any length in parts, in a memory that does not grow with it.</summary>
public static class TextParts
{
    private const int PartBytes = 1 << 20;

    /// <summary>
    /// The parts of a text, cut where byte-level encodings cut in any case. It is UTF-8, of which each part is checked; a byte order mark
    /// is left out.
    /// </summary>
    /// <param name="name">The file, for messages.</param>
    /// <param name="stream">The text, read to its end.</param>
    /// <param name="endsLine">Adds a line end where the text has none at its end.</param>
    /// <param name="isDocument">Ends a document with it.</param>
    /// <exception cref="InputException">It cannot be read.</exception>
    /// <exception cref="BadFileException">It is no UTF-8 text; the message says at which byte.</exception>
    public static IEnumerable<DocumentPart> Read(string name, Stream stream, bool endsLine = false, bool isDocument = false)
    {
        long place = 0;
        byte[]? before = null;
        bool isContinued = false;
        using var chunks = TextChunks.Read(stream, PartBytes).GetEnumerator();
        while (Files.Guard($"Cannot read '{name}'", chunks.MoveNext))
        {
            byte[] chunk = chunks.Current;
            if (Encodings.Problem(chunk, place) is { } problem) throw new BadFileException(name, "text", problem);
            if (before is not null) yield return Next(before);
            before = place == 0 ? Encodings.WithoutMark(chunk).ToArray() : chunk;
            place += chunk.Length;
        }

        if (before is not { Length: > 0 }) yield break;
        yield return Next(endsLine && before[^1] != '\n' ? [.. before, (byte)'\n'] : before) with { EndsDocument = isDocument };

        DocumentPart Next(byte[] text)
        {
            var part = new DocumentPart(text) { IsContinued = isContinued };
            isContinued = true;
            return part;
        }
    }

    /// <summary>The text of a part.</summary>
    internal static string Text(DocumentPart part) => Encoding.UTF8.GetString(part.Utf8.Span);
}
