using System.Buffers;

namespace Mayfly;

/// <summary>Copies the tensors of a file into a model, piece by piece: what is read is never in memory as a whole beside it.</summary>
/// <param name="weights">The file's tensors.</param>
/// <param name="map">Their names.</param>
/// <param name="file">The model's file or folder, for messages.</param>
internal sealed class WeightLoader(IWeights weights, WeightMap map, string file)
{
    private const string Op = "PretrainedModel";

    /// <summary>Checks all names and sizes, and only then overwrites the model's weights.</summary>
    /// <exception cref="BadFileException">A tensor is missing, of another size, or of a type that does not convert.</exception>
    public void Load(LanguageModel model)
    {
        var rows = map.Of(model.Config.Layers);
        var parameters = model.Parameters();
        foreach (var parameter in parameters) Check(parameter, Row(rows, parameter));
        foreach (var parameter in parameters)
            if (Row(rows, parameter) is { IsTransposed: true } row) CopyTransposed(parameter, row.Tensors[0]);
            else Copy(parameter, Row(rows, parameter));
    }

    private WeightRow Row(Dictionary<string, WeightRow> rows, Parameter parameter) => map.IsOwn
        ? new WeightRow(parameter.Name, [parameter.Name])
        : rows.GetValueOrDefault(parameter.Name)
        ?? throw new BadFileException(file, parameter.Name, "the format has no name for this parameter of the model.");

    private void Check(Parameter parameter, WeightRow row)
    {
        long rowsFound = 0;
        foreach (string name in row.Tensors)
        {
            long[] sizes = weights.Sizes(name) ?? throw new BadFileException(
                file, name, $"the tensor is missing; the model needs it for its {parameter.Name} {parameter.Shape}.");
            rowsFound += sizes[0];
            if (!Fits(parameter.Shape, row, sizes)) throw Wrong(name, sizes, parameter);
        }

        long needed = parameter.Shape[row.IsTransposed ? 1 : 0];
        if (rowsFound != needed) throw Wrong(row.Tensors[0], weights.Sizes(row.Tensors[0])!, parameter);
    }

    /// <summary>The axes but the first, whose sizes add up.</summary>
    private static bool Fits(Shape shape, WeightRow row, long[] sizes) => sizes.Length == shape.Rank
        && (shape.Rank == 1 || sizes[1] == shape[row.IsTransposed ? 0 : 1]);

    private BadFileException Wrong(string name, long[] sizes, Parameter parameter) => new(weights.FileOf(name), name,
        $"the file has shape ({string.Join(", ", sizes)}), which does not make the model's {parameter.Name} {parameter.Shape}.");

    private void Copy(Parameter parameter, WeightRow row)
    {
        var parts = row.Tensors.Select(name => (Name: name, Count: weights.Sizes(name)!.Aggregate(1L, (count, size) => count * size)));
        Write(parameter.Value, new Stacked(weights, [.. parts]).Read);
    }

    /// <summary>(in, out) in the file, (out, in) in the model; one such tensor is in memory at a time.</summary>
    private void CopyTransposed(Parameter parameter, string name)
    {
        int outputs = (int)parameter.Shape[0], inputs = (int)parameter.Shape[1];
        float[] stored = new float[checked(inputs * outputs)];
        weights.Read(name, 0, stored);
        Write(parameter.Value, (start, values) =>
        {
            for (int i = 0; i < values.Length; i++)
            {
                var (output, input) = Math.DivRem((int)start + i, inputs);
                values[i] = stored[input * outputs + output];
            }
        });
    }

    private delegate void Reader(long start, Span<float> values);

    private static void Write(Tensor tensor, Reader read)
    {
        long done = 0;
        foreach (var piece in TensorPieces.Of(tensor.Write(Op)))
        {
            int count = (int)piece.Count;
            float[] values = ArrayPool<float>.Shared.Rent(count);
            read(done, values.AsSpan(0, count));
            using (var place = tensor.ViewAs(piece.Layout, Op)) place.CopyFrom<float>(values.AsSpan(0, count));
            ArrayPool<float>.Shared.Return(values);
            done += count;
        }
    }

    /// <summary>Tensors one after the other, as if they were one.</summary>
    private sealed class Stacked(IWeights weights, (string Name, long Count)[] parts)
    {
        public void Read(long start, Span<float> values)
        {
            foreach (var (name, count) in parts)
            {
                if (start < count && values.Length > 0)
                {
                    int taken = (int)Math.Min(values.Length, count - start);
                    weights.Read(name, start, values[..taken]);
                    values = values[taken..];
                    start += taken;
                }

                start -= count;
            }
        }
    }
}
