namespace Mayfly.Tests;

/// <summary>
/// An autoencoder with a tied matrix, a scale that a checkpointed segment reads, and biases; built of element-wise ops and sums alone.
/// </summary>
internal sealed class TinyModel : IDisposable
{
    public TinyModel(Device device, int hidden = 5, int inputs = 7, int seed = 1, DType? type = null)
    {
        Device = device;
        Tied = Make("tied.weight", new Shape(hidden, inputs), Role.Hidden, seed, type);
        Bias = Make("bias", new Shape(hidden, 1), Role.Bias, seed + 1);
        Gain = Make("gain", new Shape(hidden, 1), Role.Gain, seed + 2);
        OutBias = Make("out.bias", inputs, Role.Bias, seed + 3);
        Parameters = [Tied, Bias, Gain, OutBias];
    }

    public Device Device { get; }

    public Parameter Tied { get; }

    public Parameter Bias { get; }

    public Parameter Gain { get; }

    public Parameter OutBias { get; }

    public Parameter[] Parameters { get; }

    public int Inputs => (int)Tied.Shape[1];

    /// <summary>The squared error of <paramref name="rows"/> reconstructed inputs, times <paramref name="share"/>.</summary>
    public Tensor Loss(int batch, int rows, double share, bool checkpoint = false, float dropout = 0)
    {
        var x = Tensor.Uniform(new Shape(rows, 1, Inputs), -1, 1, new RandomKey(5, (ulong)batch), Device);
        var h = (x * Tied.Value).Sum([-1], keepAxes: true) + Bias.Value; // (rows, hidden, 1)
        h = checkpoint ? Tape.Checkpoint(t => Bend(t, dropout), h) : Bend(h, dropout);
        // (rows, 1, inputs)
        var error = (h * Tied.Value).Sum([1], keepAxes: true) + OutBias.Value + x * Tensor.Full(new Shape(1), -1, Device);
        return (error * error).Sum() * Tensor.Full(default(Shape), share, Device);
    }

    public float[] Weights() => Parameters.SelectMany(p => p.Value.ToArray()).ToArray();

    public void Dispose()
    {
        foreach (var parameter in Parameters) parameter.Dispose();
    }

    private Tensor Bend(Tensor h, float dropout) => (h * Gain.Value).Silu().Dropout(dropout);

    private Parameter Make(string name, Shape shape, Role role, int seed, DType? type = null)
    {
        var parameter = new Parameter(name, shape, role, Device, type);
        var values = new float[shape.Count];
        Rng.FillUniform(values, -0.6, 0.6, new RandomKey(9, (ulong)seed));
        parameter.Value.CopyFrom<float>(values);
        return parameter;
    }
}
