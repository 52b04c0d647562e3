namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// Convolution of images, or rather correlation, as in deep learning: x (B, C, H, W), weight (O, C / groups, KH, KW), bias (O) ->
    /// (B, O, H', W') with H' = (H + 2 padding - dilation (KH - 1) - 1) / stride + 1, rounded down. The product of its patches and the
    /// weight, on the matrix kernels (Chellapilla et al. 2006).
    /// </summary>
    /// <remarks>Backward: as of the patches and the product.</remarks>
    /// <param name="x">The images.</param>
    /// <param name="weight">The filters.</param>
    /// <param name="bias">A number added to each channel of the result.</param>
    /// <param name="stride">Steps between patches, on both axes.</param>
    /// <param name="padding">Zeros on each of the four sides.</param>
    /// <param name="dilation">Steps between the elements of a patch.</param>
    /// <param name="groups">Into how many parts the channels are divided; each part sees its own filters alone.</param>
    /// <exception cref="ArgumentException">The shapes or numbers do not fit.</exception>
    public static Tensor Conv2d(
        this Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
    {
        var call = Op.Begin("Conv2d", x, weight, bias ?? weight);
        CheckConv(call, x.Shape, weight.Shape, bias?.Shape, padding, groups);
        var padded = padding == 0 ? x : x.Pad(2, padding, padding).Pad(3, padding, padding);
        long inputs = weight.Shape[1], outputs = weight.Shape[0] / groups, window = inputs * weight.Shape[2] * weight.Shape[3];
        var filters = weight.Reshape((weight.Shape[0], window));
        var parts = new Tensor[groups];
        for (int g = 0; g < groups; g++)
        {
            var channels = groups == 1 ? padded : padded.Slice(1, g * inputs, inputs);
            var own = groups == 1 ? filters : filters.Slice(0, g * outputs, outputs);
            var offset = groups == 1 ? bias : bias?.Slice(0, g * outputs, outputs);
            var patches = channels.Patches(weight.Shape[2], weight.Shape[3], stride, dilation); // (B, H', W', window)
            parts[g] = patches.Linear(own, offset); // (B, H', W', O / groups)
        }

        return (groups == 1 ? parts[0] : Tensor.Concat(-1, parts)).Permute(0, 3, 1, 2);
    }

    /// <summary>
    /// Convolution of sequences: x (B, C, T), weight (O, C / groups, K), bias (O) -> (B, O, T'), as <see cref="Conv2d"/>.
    /// </summary>
    /// <remarks>Backward: as of the patches and the product.</remarks>
    /// <exception cref="ArgumentException">The shapes or numbers do not fit.</exception>
    public static Tensor Conv1d(
        this Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
    {
        if (x.Rank != 3 || weight.Rank != 3)
            throw new ArgumentException($"Conv1d: x {x.Shape} and weight {weight.Shape}; they must be (B, C, T) and (O, C / groups, K).");
        var padded = padding <= 0 ? x : x.Pad(2, padding, padding);
        if (padding < 0) throw new ArgumentException($"Conv1d: a padding of {padding}; it must not be negative.");
        return padded.Unsqueeze(2).Conv2d(weight.Unsqueeze(2), bias, stride, 0, dilation, groups).Squeeze(2);
    }

    private static void CheckConv(Op call, Shape x, Shape weight, Shape? bias, int padding, int groups)
    {
        string shapes = $"x {x}, weight {weight}";
        if (x.Rank != 4 || weight.Rank != 4) throw call.Error($"{shapes}: they must be (B, C, H, W) and (O, C / groups, KH, KW).");
        if (groups < 1 || x[1] != groups * weight[1] || weight[0] % groups != 0)
            throw call.Error($"{shapes}, {groups} groups: C must be groups times the weight's second size, and O divisible by groups.");
        if (bias is { } b && b != new Shape(weight[0])) throw call.Error($"{shapes}, bias {b}: the bias must have shape ({weight[0]}).");
        if (padding < 0) throw call.Error($"a padding of {padding}; it must not be negative.");
    }
}
