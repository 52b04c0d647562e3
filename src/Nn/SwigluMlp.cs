namespace Mayfly;

/// <summary>The feed-forward part of a Llama block (Shazeer 2020): down(silu(gate(x)) up(x)), without biases.</summary>
public sealed class SwigluMlp : Module
{
    private readonly Linear gate, up, down;

    /// <summary>New <c>gate</c> and <c>up</c> (C -> hidden) and <c>down</c> (hidden -> C).</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="width">C, the size of the last axis.</param>
    /// <param name="hidden">The size between the layers.</param>
    /// <param name="initializer">The initial values of gate and up; null means <see cref="Init.XavierUniform"/>.</param>
    /// <param name="downInitializer">The initial values of down; null means <paramref name="initializer"/>.</param>
    /// <exception cref="ArgumentException">A size below 1.</exception>
    public SwigluMlp(ParameterSource source, int width, int hidden, Initializer? initializer = null, Initializer? downInitializer = null)
    {
        gate = Add("gate", new Linear(source, width, hidden, bias: false, initializer: initializer));
        up = Add("up", new Linear(source, width, hidden, bias: false, initializer: initializer));
        down = Add("down", new Linear(source, hidden, width, bias: false, initializer: downInitializer ?? initializer));
    }

    /// <summary>x (..., C) -> (..., C).</summary>
    protected override Tensor Forward(Tensor x) => down.Call(Hidden(x));

    /// <inheritdoc/>
    protected override Tensor AddForward(Tensor residual, Tensor x, float dropout) => down.AddTo(residual, Hidden(x), dropout);

    private Tensor Hidden(Tensor x) => gate.Call(x).Swiglu(up.Call(x)); // (..., hidden)
}
