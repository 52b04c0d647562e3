namespace Mayfly;

/// <summary>A convolution of images: see <see cref="TensorOps.Conv2d"/>.</summary>
public sealed class Conv2d : Module
{
    private readonly int stride, padding, dilation, groups;

    /// <summary>New <c>weight</c> (Out, In / groups, K, K) and, unless it has none, <c>bias</c> (Out) of zeros.</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="inputs">In, the channels of the input.</param>
    /// <param name="outputs">Out, the channels of the result.</param>
    /// <param name="size">K, the edge of the filters.</param>
    /// <param name="stride">Steps between patches.</param>
    /// <param name="padding">Zeros on each side.</param>
    /// <param name="dilation">Steps between the elements of a patch.</param>
    /// <param name="groups">Into how many parts the channels are divided; each sees its own filters alone.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="initializer">The weight's initial values; null means <see cref="Init.KaimingUniform"/>.</param>
    /// <exception cref="ArgumentException">A size below 1, or channels that the groups do not divide.</exception>
    public Conv2d(
        ParameterSource source, int inputs, int outputs, int size, int stride = 1, int padding = 0, int dilation = 1, int groups = 1,
        bool bias = true, Initializer? initializer = null)
    {
        (this.stride, this.padding, this.dilation, this.groups) = (stride, padding, dilation, groups);
        Shape shape = (outputs, ConvParts.InputsOf(nameof(Conv2d), inputs, outputs, groups), size, size);
        Weight = Add(source.New("weight", shape, Role.Hidden, initializer ?? Init.KaimingUniform()));
        Bias = bias ? Add(source.New("bias", outputs, Role.Bias, Init.Zeros)) : null;
    }

    /// <summary>(Out, In / groups, K, K).</summary>
    public Parameter Weight { get; }

    /// <summary>(Out), or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>x (B, In, H, W) -> (B, Out, H', W').</summary>
    protected override Tensor Forward(Tensor x) => x.Conv2d(Weight.Value, Bias?.Value, stride, padding, dilation, groups);
}

/// <summary>A convolution of sequences: see <see cref="TensorOps.Conv1d"/>.</summary>
public sealed class Conv1d : Module
{
    private readonly int stride, padding, dilation, groups;

    /// <summary>New <c>weight</c> (Out, In / groups, K) and, unless it has none, <c>bias</c> (Out) of zeros.</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="inputs">In, the channels of the input.</param>
    /// <param name="outputs">Out, the channels of the result.</param>
    /// <param name="size">K, the length of the filters.</param>
    /// <param name="stride">Steps between patches.</param>
    /// <param name="padding">Zeros at each end.</param>
    /// <param name="dilation">Steps between the elements of a patch.</param>
    /// <param name="groups">Into how many parts the channels are divided; each sees its own filters alone.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="initializer">The weight's initial values; null means <see cref="Init.KaimingUniform"/>.</param>
    /// <exception cref="ArgumentException">A size below 1, or channels that the groups do not divide.</exception>
    public Conv1d(
        ParameterSource source, int inputs, int outputs, int size, int stride = 1, int padding = 0, int dilation = 1, int groups = 1,
        bool bias = true, Initializer? initializer = null)
    {
        (this.stride, this.padding, this.dilation, this.groups) = (stride, padding, dilation, groups);
        Shape shape = (outputs, ConvParts.InputsOf(nameof(Conv1d), inputs, outputs, groups), size);
        Weight = Add(source.New("weight", shape, Role.Hidden, initializer ?? Init.KaimingUniform()));
        Bias = bias ? Add(source.New("bias", outputs, Role.Bias, Init.Zeros)) : null;
    }

    /// <summary>(Out, In / groups, K).</summary>
    public Parameter Weight { get; }

    /// <summary>(Out), or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>x (B, In, T) -> (B, Out, T').</summary>
    protected override Tensor Forward(Tensor x) => x.Conv1d(Weight.Value, Bias?.Value, stride, padding, dilation, groups);
}

/// <summary>How the channels of a convolution are divided.</summary>
internal static class ConvParts
{
    /// <summary>The input channels that each filter sees.</summary>
    public static int InputsOf(string layer, int inputs, int outputs, int groups) =>
        groups > 0 && inputs % groups == 0 && outputs % groups == 0 ? inputs / groups
        : throw new ArgumentException($"{layer}: {inputs} to {outputs} channels in {groups} groups; the groups divide both.");
}
