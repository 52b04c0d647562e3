namespace Mayfly;

/// <summary>
/// A rule that reads of a gradient a linear map to fewer numbers and nothing else, so that the gradients of micro-batches may be added up
/// there: see <see cref="AccumulationMode.Projected"/>. A rule that uses each element, as AdamW, Apollo's scaled gradient and the squares
/// of AdaLomo and Adafactor do, is none: the sum of parts does not tell what it reads of the sum.
/// </summary>
public interface IProjectingRule
{
    /// <summary>The shape of what the rule reads of a parameter's gradient.</summary>
    Shape ProjectedShape(Parameter parameter);

    /// <summary>Adds what the rule reads of one micro-batch's gradient.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="gradient">One micro-batch's gradient, in the parameter's shape.</param>
    /// <param name="sum">In <see cref="ProjectedShape"/>; with <paramref name="isFirst"/> it holds nothing and is written.</param>
    /// <param name="state">What the rule remembers.</param>
    /// <param name="isFirst">True for the first gradient of the step.</param>
    void Project(Parameter parameter, Tensor gradient, Tensor sum, RuleState state, bool isFirst);

    /// <summary>Steps the parameter by such a sum, as <see cref="Rule.Apply"/> by the gradient.</summary>
    void ApplyProjected(Parameter parameter, Tensor sum, RuleState state, in StepInfo step);
}

/// <summary>What waits between the micro-batches of a step.</summary>
public enum AccumulationMode
{
    /// <summary>The sums of whole gradients: exact, and as large as the weights.</summary>
    Whole,

    /// <summary>
    /// Of the parameters of an <see cref="IProjectingRule"/>, which GaLore is, the sums of what the rule reads: each micro-batch's gradient
    /// is freed at once. Equal to <see cref="Whole"/> up to rounding, but where the step makes a new projection: it is then that of the
    /// first micro-batch's gradient. Norms of whole gradients are not known: the report's is NaN, and nothing is clipped by one.
    /// </summary>
    Projected,
}
