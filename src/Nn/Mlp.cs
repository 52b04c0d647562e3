namespace Mayfly;

/// <summary>The feed-forward part of a transformer block: two linear layers with a GELU (Hendrycks and Gimpel 2016) between.</summary>
public sealed class Mlp : Module
{
    private readonly Linear fc, projection;
    private readonly bool exact;

    /// <summary>New <c>fc</c> (C -> hidden) and <c>projection</c> (hidden -> C).</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="width">C, the size of the last axis.</param>
    /// <param name="hidden">The size between the layers; 0 takes 4 C.</param>
    /// <param name="bias">Whether both layers have biases.</param>
    /// <param name="geluErf">The exact GELU by the error function; otherwise GPT-2's tanh form.</param>
    /// <param name="initializer">The initial values of fc; null means <see cref="Init.XavierUniform"/>.</param>
    /// <param name="projectionInitializer">The initial values of the projection; null means <paramref name="initializer"/>.</param>
    /// <exception cref="ArgumentException">A size below 1.</exception>
    public Mlp(
        ParameterSource source,
        int width,
        int hidden = 0,
        bool bias = true,
        bool geluErf = false,
        Initializer? initializer = null,
        Initializer? projectionInitializer = null)
    {
        exact = geluErf;
        if (hidden == 0) hidden = checked(4 * width);
        fc = Add("fc", new Linear(source, width, hidden, bias, initializer: initializer));
        projection = Add("projection", new Linear(source, hidden, width, bias, initializer: projectionInitializer ?? initializer));
    }

    /// <summary>x (..., C) -> (..., C).</summary>
    protected override Tensor Forward(Tensor x) => projection.Call(Hidden(x));

    /// <inheritdoc/>
    protected override Tensor AddForward(Tensor residual, Tensor x, float dropout) => projection.AddTo(residual, Hidden(x), dropout);

    private Tensor Hidden(Tensor x) => exact ? fc.Call(x, new GeluErf()) : fc.Call(x, new Gelu()); // (..., hidden)
}
