using Mayfly;

namespace Extending;

/// <summary>
/// A low-rank change of a linear layer (Hu et al. 2022): layer(x) + scale up(down(x)). up starts at zero, so at first it is the layer
/// itself.
/// </summary>
public sealed class Lora : Module
{
    private readonly Module layer, down, up;
    private readonly float scale;

    public Lora(ParameterSource source, Linear layer, int rank, float scale = 2)
    {
        this.scale = scale;
        var (outputs, inputs) = ((int)layer.Weight.Shape[0], (int)layer.Weight.Shape[1]);
        this.layer = Add("layer", layer);
        down = Add("down", new Linear(source, inputs, rank, bias: false, initializer: Init.KaimingUniform()));
        up = Add("up", new Linear(source, rank, outputs, bias: false, initializer: Init.Zeros));
    }

    protected override Tensor Forward(Tensor x) => layer.Call(x) + up.Call(down.Call(x)).Scale(scale); // (..., Out)
}
