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
}
