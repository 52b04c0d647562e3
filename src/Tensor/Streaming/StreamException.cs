namespace Mayfly;

/// <summary>The working file of a <see cref="Residency"/> cannot be written or read; the message names it.</summary>
public sealed class StreamException : IOException
{
    internal StreamException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}
