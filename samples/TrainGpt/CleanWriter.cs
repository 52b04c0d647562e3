using System.Text;

namespace TrainGpt;

/// <summary>
/// Passes text on with its control characters made visible, as U+241B for escape, so that no file, name or vocabulary can move a cursor,
/// set a title or ring a bell. Tabs and line ends stay what they are.
/// </summary>
internal sealed class CleanWriter : TextWriter
{
    private const char Pictures = '\u2400', DeletePicture = '\u2421', Unknown = '\uFFFD', Delete = '\u007F', LastControl = '\u009F';
    private readonly TextWriter inner;
    private bool holdsReturn;

    /// <summary>Writes to another writer.</summary>
    public CleanWriter(TextWriter inner)
    {
        this.inner = inner;
        CoreNewLine = inner.NewLine.ToCharArray();
    }

    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => Write(value.ToString());

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(string? value)
    {
        if (!string.IsNullOrEmpty(value)) inner.Write(Clean(value));
    }

    /// <inheritdoc/>
    public override void WriteLine() => WriteLine("");

    /// <inheritdoc/>
    public override void WriteLine(string? value)
    {
        string text = Clean(value ?? "");
        inner.WriteLine(holdsReturn ? $"{text}\r" : text);
        holdsReturn = false;
    }

    /// <inheritdoc/>
    public override void Flush() => inner.Flush();

    /// <summary>A carriage return goes with the line feed after it, which may come with the next piece; alone it is shown.</summary>
    private string Clean(string text)
    {
        if (!holdsReturn && !text.AsSpan().ContainsAnyInRange('\0', '\u001F') && !text.AsSpan().ContainsAnyInRange(Delete, LastControl))
            return text;
        var clean = new StringBuilder(text.Length + 1);
        foreach (char character in text)
        {
            if (holdsReturn) clean.Append(character == '\n' ? '\r' : Shown('\r'));
            holdsReturn = character == '\r';
            if (!holdsReturn) clean.Append(Shown(character));
        }

        return clean.ToString();
    }

    private static char Shown(char character) => character switch
    {
        '\n' or '\t' => character,
        < ' ' => (char)(Pictures + character),
        Delete => DeletePicture,
        > Delete and <= LastControl => Unknown,
        _ => character,
    };
}
