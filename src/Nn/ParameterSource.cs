namespace Mayfly;

/// <summary>
/// Makes the parameters of one model on one device. Each is filled from a random sequence of its own, keyed by the seed and the parameter's
/// number in this source, so that initial values depend neither on other models nor on threads.
/// </summary>
/// <param name="device">Where the parameters live; null means <see cref="Device.Cpu"/>.</param>
/// <param name="seed">The seed of the initial values.</param>
public sealed class ParameterSource(Device? device = null, ulong seed = 1)
{
    // Dropout keys count up from stream 0 under the same seed; initial values take the upper half.
    private const ulong FirstStream = 1UL << 63;
    private ulong count;

    /// <summary>Where the parameters live.</summary>
    public Device Device { get; } = device ?? Device.Cpu;

    /// <summary>A new parameter.</summary>
    /// <param name="name">Its name within its module.</param>
    /// <param name="shape">Its shape; every size at least 1.</param>
    /// <param name="role">What it is for.</param>
    /// <param name="initializer">Its initial values.</param>
    /// <exception cref="ArgumentException">A size below 1.</exception>
    public Parameter New(string name, Shape shape, Role role, Initializer initializer)
    {
        for (int axis = 0; axis < shape.Rank; axis++)
            if (shape[axis] < 1) throw new ArgumentException($"Parameter {name}: shape {shape} has a size below 1.");
        using var value = Device.Backend.IsDry ? Tensor.Empty(Device, shape, Device.Float, Use.Activation, name) : Drawn(shape, initializer);
        return new Parameter(name, value, role);
    }

    private Tensor Drawn(Shape shape, Initializer initializer)
    {
        var values = new float[shape.Count];
        initializer(values, shape, new RandomKey(seed, FirstStream + count++));
        return Tensor.From<float>(values, shape, Device);
    }
}
