namespace Mayfly;

/// <summary>
/// Makes one gradient of those that several processes, the ranks, have found on parts of a batch: what
/// <see cref="UpdaterOptions.Exchange"/> needs of them. All ranks call the same in the same order.
/// </summary>
public interface IGradientExchange
{
    /// <summary>This process's number, from 0.</summary>
    int Rank { get; }

    /// <summary>How many there are.</summary>
    int Ranks { get; }

    /// <summary>Replaces values by their sums over all ranks.</summary>
    void Sum(Span<double> values);

    /// <summary>True where this rank steps a parameter; another one may, whose memory has its weights and its state.</summary>
    bool Steps(Parameter parameter);

    /// <summary>True where several ranks step a parameter, each the same.</summary>
    bool IsShared(Parameter parameter);

    /// <summary>
    /// Begins to sum a gradient over all ranks, in place, and returns those parameters, in the order in which they were added, whose
    /// gradients are summed by now: on the ranks that step them; on others they are of no more use. How many these are does not depend on
    /// time.
    /// </summary>
    IReadOnlyList<Parameter> Add(Parameter parameter, Tensor gradient);

    /// <summary>Sums what is left; returns its parameters.</summary>
    IReadOnlyList<Parameter> Finish();

    /// <summary>Forgets what was added; returns when nobody uses the gradients any more.</summary>
    void Cancel();
}
