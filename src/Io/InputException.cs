namespace Mayfly;

/// <summary>
/// Something the user gave cannot be used: a missing file, empty data, a folder that cannot be written. The message is one line that says
/// what to do.
/// </summary>
public class InputException : Exception
{
    /// <summary>Makes one; line ends and other control characters in the message become spaces.</summary>
    public InputException(string message, Exception? cause = null) : base(OneLine(message), cause)
    {
    }

    /// <summary>A piece of a file for a message, the first of it where it is long.</summary>
    internal static string Short(string text)
    {
        const int most = 60;
        return text.Length <= most ? text : $"{text.AsSpan(0, most)}...";
    }

    private static string OneLine(string message) => string.Create(message.Length, message, (line, text) =>
    {
        for (int i = 0; i < line.Length; i++) line[i] = char.IsControl(text[i]) ? ' ' : text[i];
    });
}

/// <summary>A file's content is damaged, or is not what its reader needs.</summary>
/// <param name="file">The file's path.</param>
/// <param name="field">The part of the file: a tensor's name, a JSON property, <c>header</c>.</param>
/// <param name="problem">What is wrong with it.</param>
/// <param name="cause">What failed underneath, if anything.</param>
public sealed class BadFileException(string file, string field, string problem, Exception? cause = null)
    : InputException($"{file}: {field}: {problem}", cause)
{
    /// <summary>The file's path.</summary>
    public string File { get; } = file;

    /// <summary>The part of the file.</summary>
    public string Field { get; } = field;

    /// <summary>
    /// The boundary of a file format: runs a reader of content that nobody vouches for. Whatever goes wrong in it, of any type, comes out
    /// as this exception; what is one already, or another <see cref="InputException"/>, passes, and so do a cancellation and the lack
    /// of memory.
    /// </summary>
    /// <param name="file">The file's path.</param>
    /// <param name="field">The part of the file that is read.</param>
    /// <param name="problem">What an error means, in front of its own words.</param>
    /// <param name="read">Reads.</param>
    /// <exception cref="BadFileException">Something went wrong.</exception>
    public static T Guard<T>(string file, string field, string problem, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (InputException or OperationCanceledException or OutOfMemoryException))
        {
            throw new BadFileException(file, field, $"{problem}: {e.Message}", e);
        }
    }
}
