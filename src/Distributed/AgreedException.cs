namespace Mayfly;

/// <summary>An error that all ranks have: each throws it, and one of them has to say it.</summary>
/// <param name="message">What it is, with the rank that found it.</param>
public sealed class AgreedException(string message) : InputException(message);
