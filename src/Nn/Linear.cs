namespace Mayfly;

/// <summary>A linear layer: y = x W^T + b.</summary>
public sealed class Linear : Module
{
    /// <summary>A layer with new parameters: <c>weight</c> (Out, In) and, unless it has none, <c>bias</c> (Out) of zeros.</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="inputs">The size of the input's last axis.</param>
    /// <param name="outputs">The size of the result's last axis.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="role">The weight's role.</param>
    /// <param name="initializer">The weight's initial values; null means <see cref="Init.XavierUniform"/>.</param>
    /// <exception cref="ArgumentException">A size below 1.</exception>
    public Linear(
        ParameterSource source, int inputs, int outputs, bool bias = true, Role role = Role.Hidden, Initializer? initializer = null)
    {
        Weight = Add(source.New("weight", (outputs, inputs), role, initializer ?? Init.XavierUniform()));
        Bias = bias ? Add(source.New("bias", outputs, Role.Bias, Init.Zeros)) : null;
    }

    /// <summary>A layer without bias whose weight (Out, In) belongs to another module too, as a head tied to an embedding.</summary>
    public Linear(Parameter shared) => Weight = Add("weight", shared);

    /// <summary>(Out, In).</summary>
    public Parameter Weight { get; }

    /// <summary>(Out), or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>
    /// The cross-entropy of the scores that the layer gives x, without holding them all:
    /// <see cref="TensorOps.LinearCrossEntropy"/>; of a layer with a bias, <see cref="TensorOps.CrossEntropy"/> of its result.
    /// </summary>
    /// <param name="x">(..., In).</param>
    /// <param name="targets">I32 (...); -1 does not count.</param>
    /// <param name="total">What the sum is divided by; null means the number of targets that count.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or no target counts and no total is given.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target is outside [0, Out).</exception>
    public Tensor CrossEntropy(Tensor x, Tensor targets, double? total = null)
    {
        using var scope = Open(x);
        return scope.Return(Bias is null
            ? x.LinearCrossEntropy(Weight.Value, targets, total: total)
            : Forward(x).CrossEntropy(targets, total: total));
    }

    /// <summary>x (..., In) -> (..., Out).</summary>
    protected override Tensor Forward(Tensor x) => x.Linear(Weight.Value, Bias?.Value);

    /// <inheritdoc/>
    protected override Tensor Forward<TAct>(Tensor x, TAct activation) => x.Linear(Weight.Value, Bias?.Value, activation);

    /// <inheritdoc/>
    protected override Tensor AddForward(Tensor residual, Tensor x, float dropout) =>
        IsTraining && dropout > 0 ? base.AddForward(residual, x, dropout) : x.Linear(Weight.Value, Bias?.Value, residual);
}
