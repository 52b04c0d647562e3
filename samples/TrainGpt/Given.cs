namespace TrainGpt;

/// <summary>Options with the values that a command line or a file gives them.</summary>
/// <param name="Values">The values, one an option.</param>
internal sealed record Given(IReadOnlyList<(Declaration Option, object? Value)> Values)
{
    /// <summary>True where an option is given.</summary>
    public bool Has(Declaration option) => Values.Any(given => given.Option == option);

    /// <summary>These over the options of a record.</summary>
    /// <exception cref="InputException">One is out of range; the message names it.</exception>
    public T Over<T>(T start) where T : CommandOptions =>
        Values.Aggregate(start, (options, given) => given.Option.With(options, given.Value));

    /// <summary>Options with those left open that are not given here, but read from what is.</summary>
    public T Free<T>(T options) where T : CommandOptions => Declaration.Of<T>()
        .Where(option => !Has(option) && option.From.Any(name => Has(Declaration.Of<T>(name))))
        .Aggregate(options, (freed, option) => option.With(freed, null));
}
