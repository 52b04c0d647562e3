using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Limits each element of the gradient, for a <see cref="Chain"/>:
/// <code>g = min(max(g, -limit), limit)</code>
/// Where the updater has clipped a norm, by a factor found from gradients without this limit, the limit is multiplied by that factor: elements are
/// limited first, as in LOMO's code.
/// </summary>
/// <param name="limit">The largest magnitude.</param>
/// <exception cref="ArgumentOutOfRangeException">The limit is not positive.</exception>
public sealed class ClipValue(double limit) : Rule
{
    private readonly double limit = InRange("ClipValue", nameof(limit), limit, 1e-30, 1e30);

    /// <inheritdoc/>
    public override string Name => "ClipValue";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings => [("limit", limit)];

    /// <inheritdoc/>
    protected override Rule? With(string key, double value) => key == nameof(limit) ? new ClipValue(value) : null;

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step) =>
        gradient.MapInPlace(new Clamp((float)(limit * step.ClipFactor)));
}

/// <summary>min(max(x, -limit), limit).</summary>
/// <param name="limit">The largest magnitude.</param>
public readonly struct Clamp(float limit) : IMap1<Clamp>
{
    /// <summary>The formula with a limit for checks.</summary>
    public static Clamp Sample => new(0.7f);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Min(V.Max(x, V.Of(-limit)), V.Of(limit));
}
