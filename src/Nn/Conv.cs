namespace Mayfly;

/// <summary>The filters of a convolution and how they go over the input.</summary>
public abstract class Conv : Module
{
    private protected Conv(
        ParameterSource source, int axes, int inputs, int outputs, int size, int stride, int padding, int dilation, int groups, bool bias,
        Initializer? initializer)
    {
        if (groups < 1 || inputs % groups != 0 || outputs % groups != 0)
            throw new ArgumentException(
                $"{GetType().Name}: {inputs} to {outputs} channels in {groups} groups; the groups divide both.");
        (Stride, Padding, Dilation, Groups) = (stride, padding, dilation, groups);
        Shape shape = axes == 1 ? (outputs, inputs / groups, size) : (outputs, inputs / groups, size, size);
        Weight = Add(source.New("weight", shape, Role.Hidden, initializer ?? Init.KaimingUniform()));
        Bias = bias ? Add(source.New("bias", outputs, Role.Bias, Init.Zeros)) : null;
    }

    /// <summary>The filters: (Out, In / groups, K), of images (Out, In / groups, K, K).</summary>
    public Parameter Weight { get; }

    /// <summary>(Out), or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>Steps between patches.</summary>
    public int Stride { get; }

    /// <summary>Zeros on each side.</summary>
    public int Padding { get; }

    /// <summary>Steps between the elements of a patch.</summary>
    public int Dilation { get; }

    /// <summary>Into how many parts the channels are divided; each sees its own filters alone.</summary>
    public int Groups { get; }
}

/// <summary>A convolution of images: see <see cref="TensorOps.Conv2d"/>.</summary>
public sealed class Conv2d : Conv
{
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
        : base(source, 2, inputs, outputs, size, stride, padding, dilation, groups, bias, initializer)
    {
    }

    /// <summary>x (B, In, H, W) -> (B, Out, H', W').</summary>
    protected override Tensor Forward(Tensor x) => x.Conv2d(Weight.Value, Bias?.Value, Stride, Padding, Dilation, Groups);
}

/// <summary>A convolution of sequences: see <see cref="TensorOps.Conv1d"/>.</summary>
public sealed class Conv1d : Conv
{
    /// <summary>New <c>weight</c> (Out, In / groups, K) and, unless it has none, <c>bias</c> (Out); as <see cref="Conv2d"/>.</summary>
    /// <exception cref="ArgumentException">A size below 1, or channels that the groups do not divide.</exception>
    public Conv1d(
        ParameterSource source, int inputs, int outputs, int size, int stride = 1, int padding = 0, int dilation = 1, int groups = 1,
        bool bias = true, Initializer? initializer = null)
        : base(source, 1, inputs, outputs, size, stride, padding, dilation, groups, bias, initializer)
    {
    }

    /// <summary>x (B, In, T) -> (B, Out, T').</summary>
    protected override Tensor Forward(Tensor x) => x.Conv1d(Weight.Value, Bias?.Value, Stride, Padding, Dilation, Groups);
}
