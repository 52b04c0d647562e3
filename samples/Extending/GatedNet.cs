using Mayfly;

namespace Extending;

/// <summary>A gated layer, an L2 norm with a learned gain, and a head: x (B, In) -> (B, 1).</summary>
public sealed class GatedNet : Module
{
    private readonly Linear value, gate, head;
    private readonly Parameter gain;

    public GatedNet(ParameterSource source, int inputs, int hidden)
    {
        value = Add("value", new Linear(source, inputs, hidden));
        gate = Add("gate", new Linear(source, inputs, hidden));
        gain = Add(source.New("gain", hidden, Role.Gain, Init.Ones));
        head = Add("head", new Linear(source, hidden, 1, role: Role.Head));
    }

    protected override Tensor Forward(Tensor x)
    {
        var h = value.Call(x).Softsign() * gate.Call(x).Sigmoid(); // (B, hidden)
        return head.Call(h.L2Norm(gain.Value)); // (B, 1)
    }
}
