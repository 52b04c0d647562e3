namespace Mayfly;

/// <summary>
/// The finished gradient of a parameter as its sink gets it. The tape frees the memory when the sink returns, unless the sink sets the
/// variable to default and so keeps the tensor.
/// </summary>
public struct Gradient
{
    /// <summary>The gradient in the parameter's shape, dense; null where no gradient reached the parameter.</summary>
    public Tensor? Value;
}

/// <summary>Receives each parameter's gradient the moment it is complete.</summary>
public interface IGradientSink
{
    /// <summary>
    /// A dense tensor of the parameter's shape to add the gradient to (gradient accumulation), or null for a new one. It stays the sink's.
    /// </summary>
    Tensor? Accumulator(Parameter parameter) => null;

    /// <summary>
    /// Called once per sweep for each trainable parameter that the tape read, right after the sweep has passed the parameter's first use:
    /// no later record reads it, so it may be changed in place. Other parameters may not be read here.
    /// </summary>
    void Ready(Parameter parameter, ref Gradient gradient);
}

/// <summary>A user's gradient hook; set <paramref name="gradient"/> to default to keep the tensor.</summary>
public delegate void GradientHook(Parameter parameter, ref Gradient gradient);

internal sealed class HookSink(GradientHook hook) : IGradientSink
{
    public void Ready(Parameter parameter, ref Gradient gradient) => hook(parameter, ref gradient);
}
