using System.Buffers;
using System.Runtime.ExceptionServices;

namespace Mayfly;

/// <summary>
/// Makes the parameters of one model on one device. Each is filled from a random sequence of its own, keyed by the seed and the parameter's
/// number in this source, so that initial values depend neither on other models nor on threads.
/// </summary>
/// <param name="device">Where the parameters live; null means <see cref="Device.Cpu"/>.</param>
/// <param name="seed">The seed of the initial values.</param>
/// <param name="weights">
/// The type of matrices and tables: <see cref="DType.F32"/>, which means the device's floating-point type, <see cref="DType.BF16"/>, or
/// <see cref="DType.Int8"/> for hidden matrices, with <see cref="DType.BF16"/> for tables and head. Vectors, few and sensitive, are of the
/// device's type always.
/// </param>
public sealed class ParameterSource(Device? device = null, ulong seed = 1, DType weights = DType.F32)
{
    /// <summary>Initial values that are made at a time.</summary>
    private const int Part = 1 << 16;

    // Dropout keys count up from stream 0 under the same seed; initial values take the upper half.
    private const ulong FirstStream = 1UL << 63;
    private readonly List<Parameter> made = [];

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
        var parameter = new Parameter(name, shape, role, Device, TypeOf(shape, role));
        try
        {
            Fill(parameter.Value, initializer, new RandomKey(seed, FirstStream + (ulong)made.Count));
            made.Add(parameter);
            return parameter;
        }
        catch
        {
            parameter.Dispose();
            throw;
        }
    }

    /// <summary>Frees all that it made: for the constructor of a model that could not be finished.</summary>
    public void Abandon()
    {
        foreach (var parameter in made) parameter.Dispose();
    }

    private DType TypeOf(Shape shape, Role role) =>
        shape.Rank < 2 || weights == DType.F32 ? Device.Float
        : weights == DType.Int8 && role != Role.Hidden ? DType.BF16
        : weights;

    /// <summary>Several parts are drawn at once and written one after the other.</summary>
    private static void Fill(Tensor value, Initializer initializer, RandomKey key)
    {
        bool isDry = value.Device.Backend.IsDry;
        int together = (int)Math.Min(isDry ? 1 : Environment.ProcessorCount, (value.Count + Part - 1) / Part);
        var values = ArrayPool<float>.Shared.Rent(together * Part);
        for (long first = 0; first < value.Count; first += together * (long)Part)
        {
            long start = first;
            int parts = (int)Math.Min(together, (value.Count - first + Part - 1) / Part);
            if (!isDry) Together(parts, i => initializer(values.AsSpan(i * Part, Length(i)), start + i * (long)Part, value.Shape, key));
            else if (first > 0 && Length(0) == Part) continue; // takes the memory of the first one
            for (int i = 0; i < parts; i++)
            {
                using var place = value.ViewAs(new Layout(Length(i), 1, start + i * (long)Part), "Fill");
                place.CopyFrom<float>(values.AsSpan(i * Part, Length(i)));
            }

            int Length(int i) => (int)Math.Min(Part, value.Count - start - i * (long)Part);
        }

        ArrayPool<float>.Shared.Return(values);
    }

    private static void Together(int count, Action<int> draw)
    {
        try
        {
            if (count == 1) draw(0);
            else Parallel.For(0, count, draw);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerException!); // what a part says, as if it had been drawn alone
        }
    }
}
