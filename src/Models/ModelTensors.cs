using System.Buffers;

namespace Mayfly;

/// <summary>Reads elements of a tensor, from one on in row-major order.</summary>
internal delegate void TensorReader(long start, Span<float> values);

/// <summary>A tensor of a model as a format has it.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Sizes">Its sizes there, the outermost first.</param>
/// <param name="Open">Gives what reads it, of which one is open at a time: it may hold as much memory as the tensor.</param>
internal sealed record ModelTensor(string Name, long[] Sizes, Func<TensorReader> Open)
{
    private const int Piece = 1 << 16;

    /// <summary>Writes the elements, as <paramref name="narrow"/> stores them.</summary>
    /// <param name="stream">Gets them.</param>
    /// <param name="type">The type's name, for messages.</param>
    /// <param name="bytes">The bytes of a number of elements.</param>
    /// <param name="narrow">Turns floats into bytes.</param>
    /// <exception cref="NonFiniteException">An element is infinite or not a number, or becomes so in the type.</exception>
    public void Write(Stream stream, string type, Func<int, int> bytes, Action<float[], int, byte[]> narrow)
    {
        var read = Open();
        long count = Sizes.Aggregate(1L, (all, size) => all * size);
        float[] values = ArrayPool<float>.Shared.Rent(Piece);
        byte[] stored = ArrayPool<byte>.Shared.Rent(bytes(Piece));
        for (long start = 0; start < count; start += Piece)
        {
            int n = (int)Math.Min(Piece, count - start);
            read(start, values.AsSpan(0, n));
            CheckFinite(values.AsSpan(0, n), type);
            narrow(values, n, stored);
            stream.Write(stored, 0, bytes(n));
        }

        ArrayPool<float>.Shared.Return(values);
        ArrayPool<byte>.Shared.Return(stored);
    }

    private void CheckFinite(ReadOnlySpan<float> values, string type)
    {
        const float largestHalf = 65504;
        float most = type is "F16" or "Q8_0" ? largestHalf * (type == "F16" ? 1 : sbyte.MaxValue) : float.MaxValue;
        foreach (float value in values)
            if (!(Math.Abs(value) <= most)) throw new NonFiniteException(float.IsFinite(value)
                ? $"'{Name}' has an element of {value}, which {type} cannot hold; choose bf16 or f32."
                : $"'{Name}' has an infinity or NaN, so it was not written.");
    }
}

/// <summary>The tensors of a model under the names of a format: the other way of <see cref="WeightLoader"/>.</summary>
/// <param name="model">The model.</param>
/// <param name="map">The names.</param>
internal sealed class ModelTensors(LanguageModel model, WeightMap map)
{
    private const string Op = "ModelExport";

    /// <summary>All of them, in the order of the names.</summary>
    /// <param name="hasHead">Writes a tied head once more, as some programs want it.</param>
    /// <exception cref="NotSupportedException">The model has a part that the format has no name for.</exception>
    public List<ModelTensor> All(bool hasHead = false)
    {
        var parameters = model.Parameters().ToDictionary(parameter => parameter.Name);
        var found = new List<ModelTensor>();
        foreach (var row in map.Of(model.Config.Layers).Values)
            if (parameters.Remove(row.Parameter, out var parameter)) found.AddRange(Parts(parameter, row));
            else if (row.Tensors[0] == map.HeadTensor && model.Config.TiedHead)
            {
                if (hasHead) found.AddRange(Parts(Table, row));
            }
            else if (row.Parameter.EndsWith(".bias", StringComparison.Ordinal)) found.Add(Zeros(row));
            else throw new NotSupportedException($"The model has no {row.Parameter}, which the format asks for.");
        return parameters.Keys.FirstOrDefault() is { } other
            ? throw new NotSupportedException($"The format has no name for the model's {other}.")
            : found;
    }

    private Parameter Table => model[map.Of(0).Values.First().Parameter];

    /// <summary>A model without biases is one whose biases are zero.</summary>
    private ModelTensor Zeros(WeightRow row)
    {
        string weight = row.Parameter[..^".bias".Length];
        var parameter = model.Parameters().First(p => p.Name == $"{weight}.weight" || p.Name == $"{weight}.gain");
        return new ModelTensor(row.Tensors[0], [parameter.Shape[0]], () => (_, values) => values.Clear());
    }

    private IEnumerable<ModelTensor> Parts(Parameter parameter, WeightRow row)
    {
        if (row.IsTransposed) return [new(row.Tensors[0], [parameter.Shape[1], parameter.Shape[0]], () => Transposed(parameter))];
        return row.Tensors.Length == 1 ? [new(row.Tensors[0], Sizes(parameter), () => Rows(parameter, 0))] : Blocks(parameter, row.Tensors);
    }

    private static long[] Sizes(Parameter parameter)
    {
        var sizes = new long[parameter.Shape.Rank];
        parameter.Shape.CopyTo(sizes);
        return sizes;
    }

    /// <summary>Queries, keys and values: the first two turn.</summary>
    private IEnumerable<ModelTensor> Blocks(Parameter parameter, string[] names)
    {
        long first = 0, columns = parameter.Shape[1];
        for (int i = 0; i < names.Length; i++)
        {
            long start = first, rows = parameter.RowBlocks[i];
            bool turns = i < 2 && model.Config is LlamaConfig llama && llama.RotaryHalves != map.RotaryHalves;
            yield return new ModelTensor(names[i], [rows, columns], () => turns ? Turned(parameter, start) : Rows(parameter, start));
            first += rows;
        }
    }

    private static TensorReader Rows(Parameter parameter, long first)
    {
        long place = parameter.Shape.Rank == 1 ? 0 : first * parameter.Shape[1];
        return (start, values) => Read(parameter, place + start, values);
    }

    /// <summary>The rows of each head in the other order.</summary>
    private TensorReader Turned(Parameter parameter, long first)
    {
        int size = model.Config.HeadSize, columns = (int)parameter.Shape[1];
        return (start, values) =>
        {
            while (values.Length > 0)
            {
                var (row, column) = Math.DivRem(start, columns);
                int count = (int)Math.Min(columns - column, values.Length);
                Read(parameter, (first + RotaryOrder.Source(row, size, map.RotaryHalves)) * columns + column, values[..count]);
                values = values[count..];
                start += count;
            }
        };
    }

    /// <summary>(out, in) here, (in, out) in the file.</summary>
    private static TensorReader Transposed(Parameter parameter)
    {
        int outputs = (int)parameter.Shape[0], inputs = (int)parameter.Shape[1];
        float[] all = new float[checked(outputs * inputs)];
        for (int row = 0; row < outputs; row++) Read(parameter, (long)row * inputs, all.AsSpan(row * inputs, inputs));
        return (start, values) =>
        {
            for (int i = 0; i < values.Length; i++)
            {
                var (input, output) = Math.DivRem((int)start + i, outputs);
                values[i] = all[output * inputs + input];
            }
        };
    }

    private static void Read(Parameter parameter, long start, Span<float> values)
    {
        using var place = parameter.Value.ViewAs(new Layout(values.Length, 1, parameter.Value.Layout.Offset + start), Op);
        place.CopyTo(values);
    }
}
