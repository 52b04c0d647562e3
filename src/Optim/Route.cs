using System.IO.Enumeration;

namespace Mayfly;

/// <summary>When a parameter is stepped.</summary>
public enum UpdateMode
{
    /// <summary>Inside the backward sweep, the moment its gradient is complete; the gradient is freed at once.</summary>
    Eager,

    /// <summary>After the sweep, in the order of the parameters; all gradients live until then.</summary>
    Deferred,
}

/// <summary>How one parameter is trained.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Rule">What steps it.</param>
/// <param name="Mode">When it is stepped.</param>
/// <param name="LearningRateScale">Its learning rate as a multiple of the step's.</param>
public sealed record Assignment(Parameter Parameter, Rule Rule, UpdateMode Mode, double LearningRateScale);

/// <summary>Which rule, when, and with which learning-rate factor, for which parameter. The first entry that matches decides.</summary>
public sealed class Route
{
    private readonly List<Entry> entries = [];
    private (double Width, double Embedding, double Head)? byWidth;

    private readonly record struct Entry(Func<Parameter, bool> Matches, Rule Rule, UpdateMode Mode, double LearningRateScale);

    /// <summary>The usual learning rate: that of the rule in the first entry, of which the others take their multiples.</summary>
    public double LearningRate => entries is [var first, ..] ? first.Rule.LearningRate : 1e-3;

    /// <summary>
    /// The whole route of a rule: hidden matrices by it, all other parameters by its <see cref="Rule.Fallback"/> at the fallback's share
    /// of the learning rate; all by the rule where it has no fallback. A rule's published form thus trains as it was published.
    /// </summary>
    /// <param name="rule">The rule, such as <c>Muon.Moonlight</c>.</param>
    /// <param name="mode">When the parameters are stepped.</param>
    public static Route For(Rule rule, UpdateMode mode = UpdateMode.Eager) =>
        rule.Fallback is { } fallback ? ForHidden(rule, fallback, rule.FallbackScale, mode) : Default(rule, mode);

    /// <summary>One rule for all parameters; gains and biases get it without weight decay.</summary>
    public static Route Default(Rule rule, UpdateMode mode = UpdateMode.Eager) =>
        new Route().Add([Role.Embedding, Role.Hidden, Role.Head], rule, mode).Otherwise(rule.WithoutDecay(), mode);

    /// <summary>
    /// Hidden matrices by one rule; embeddings, head, gains and biases by another, whose learning rate is
    /// <paramref name="fallbackScale"/> times the step's, so that their ratio is kept whatever the schedule does. Gains and biases are
    /// not decayed.
    /// </summary>
    public static Route ForHidden(Rule rule, Rule fallback, double fallbackScale = 1, UpdateMode mode = UpdateMode.Eager) =>
        new Route().Add(IsHiddenMatrix, rule, mode)
            .Add([Role.Embedding, Role.Hidden, Role.Head], fallback, mode, fallbackScale)
            .Otherwise(fallback.WithoutDecay(), mode, fallbackScale);

    /// <summary>Routes the parameters for which <paramref name="matches"/> holds.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative or infinite factor.</exception>
    public Route Add(Func<Parameter, bool> matches, Rule rule, UpdateMode mode = UpdateMode.Eager, double learningRateScale = 1)
    {
        entries.Add(new Entry(matches, rule, mode, CheckScale(learningRateScale, rule)));
        return this;
    }

    /// <summary>Routes the parameters whose name fits a pattern, in which * stands for any characters and ? for one.</summary>
    public Route Add(string pattern, Rule rule, UpdateMode mode = UpdateMode.Eager, double learningRateScale = 1) =>
        Add(p => FileSystemName.MatchesSimpleExpression(pattern, p.Name, ignoreCase: false), rule, mode, learningRateScale);

    /// <summary>Routes the parameters of the given roles.</summary>
    public Route Add(Role[] roles, Rule rule, UpdateMode mode = UpdateMode.Eager, double learningRateScale = 1) =>
        Add(p => roles.Contains(p.Role), rule, mode, learningRateScale);

    /// <summary>Routes all parameters that no entry before matched.</summary>
    public Route Otherwise(Rule rule, UpdateMode mode = UpdateMode.Eager, double learningRateScale = 1) =>
        Add(_ => true, rule, mode, learningRateScale);

    /// <summary>
    /// Scales the learning rates of embeddings and head by their width C, the size of a token's vector, so that those found at one width
    /// serve at others: by (width / C)^power. Hidden matrices are left alone, for which rules that orthogonalise need nothing. The default
    /// powers are nanochat's, for tables stepped by AdamW; 0 and 1 are those of Yang et al. ("Tensor Programs V", 2022).
    /// </summary>
    /// <param name="width">The width at which the rates are as given.</param>
    /// <param name="embedding">The power for embeddings.</param>
    /// <param name="head">The power for the head.</param>
    /// <exception cref="ArgumentOutOfRangeException">A width below 1, or a power that is not finite.</exception>
    public Route ByWidth(long width, double embedding = 0.5, double head = 0.5)
    {
        if (width < 1 || !double.IsFinite(embedding) || !double.IsFinite(head))
            throw new ArgumentOutOfRangeException(
                nameof(width), $"Route: rates by width from {width}, powers {embedding} and {head}; a width of at least 1, and numbers.");
        byWidth = (width, embedding, head);
        return this;
    }

    /// <summary>Assigns a rule to each parameter and numbers the parameters in their order.</summary>
    /// <exception cref="ArgumentException">A parameter is listed twice, shares its name with another, or matches no entry.</exception>
    public IReadOnlyList<Assignment> Resolve(IReadOnlyList<Parameter> parameters)
    {
        var names = new HashSet<string>();
        var assignments = new Assignment[parameters.Count];
        for (int i = 0; i < assignments.Length; i++)
        {
            var parameter = parameters[i];
            if (!names.Add(parameter.Name))
                throw new ArgumentException(
                    $"Route: two parameters are named {parameter.Name}; list a tied parameter once and give others names of their own.");
            parameter.Index = i;
            assignments[i] = Assign(parameter);
        }

        return assignments;
    }

    internal static double CheckScale(double learningRateScale, Rule rule) => learningRateScale >= 0 && double.IsFinite(learningRateScale)
        ? learningRateScale
        : throw new ArgumentOutOfRangeException(
            nameof(learningRateScale),
            $"Route: the learning-rate factor {learningRateScale} of {rule.Name} is not a finite number of at least 0.");

    private static bool IsHiddenMatrix(Parameter parameter) => parameter.Role == Role.Hidden && parameter.Shape.Count > parameter.Shape[0];

    private Assignment Assign(Parameter parameter)
    {
        foreach (var entry in entries)
        {
            if (!entry.Matches(parameter)) continue;
            var (rule, scale) = entry.Rule.For(parameter);
            return new Assignment(parameter, rule, entry.Mode, entry.LearningRateScale * scale * OfWidth(parameter));
        }

        throw new ArgumentException($"Route: no entry matches {parameter}; end the route with Otherwise(rule).");
    }

    private double OfWidth(Parameter parameter) => (byWidth, parameter.Role) switch
    {
        ({ } by, Role.Embedding) => Math.Pow(by.Width / parameter.Shape[-1], by.Embedding),
        ({ } by, Role.Head) => Math.Pow(by.Width / parameter.Shape[-1], by.Head),
        _ => 1,
    };
}
