using System.Globalization;
using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>Writes llama2.c's .bin, version 0, with its tokNNN.bin beside it.</summary>
internal static class Llama2cExport
{
    private const string Format = "llama2.c's format";

    /// <summary>The tensors of a block, each for all blocks in turn.</summary>
    private static readonly string[] Blocks =
        ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_down", "ffn_up"];

    /// <summary>Writes the file, after the tokenizer's.</summary>
    public static void Save(ModelExport export, string path)
    {
        export.CheckType(Format, WeightType.F32);
        var shape = export.Shape(
            _ => throw new NotSupportedException($"{Format} holds Llamas only, and the model is a GPT."), shape => shape);
        if (shape.Theta != 10000) throw Fixed("Theta", shape.Theta, "10000");
        if (shape.Epsilon != 1e-5f) throw Fixed("Epsilon", shape.Epsilon, "1e-5");
        if (export.Tokenizer is { } tokenizer) SaveTokens(tokenizer, shape.VocabularySize, path);
        var tensors = new ModelTensors(export.Model, WeightMap.GgufLlama).All().ToDictionary(tensor => tensor.Name);
        Files.Replace(path, stream =>
        {
            int vocabulary = shape.TiedHead ? shape.VocabularySize : -shape.VocabularySize;
            int[] header = [shape.Width, shape.Hidden, shape.Layers, shape.Heads, shape.KvHeads, vocabulary, shape.Context];
            stream.Write(MemoryMarshal.AsBytes<int>(header));
            Write(stream, tensors["token_embd.weight"]);
            foreach (string name in Blocks)
                for (int i = 0; i < shape.Layers; i++)
                    Write(stream, tensors[string.Create(CultureInfo.InvariantCulture, $"blk.{i}.{name}.weight")]);
            Write(stream, tensors["output_norm.weight"]);
            stream.Write(MemoryMarshal.AsBytes<float>(Angles(shape)));
            if (!shape.TiedHead) Write(stream, tensors["output.weight"]);
        });
    }

    /// <summary>What other files may be there is not overwritten.</summary>
    private static void SaveTokens(Tokenizer tokenizer, int size, string path)
    {
        byte[] bytes = Llama2cTokens.Of(tokenizer);
        string name = string.Create(CultureInfo.InvariantCulture, $"tok{size}.bin");
        string file = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, name);
        if (File.Exists(file) && !Files.ReadBytes(file).AsSpan().SequenceEqual(bytes))
            throw new InputException($"'{file}' is the vocabulary of another model; write to another folder.");
        Files.Replace(file, stream => stream.Write(bytes));
    }

    private static void Write(Stream stream, ModelTensor tensor) => tensor.Write(stream, "F32", count => count * sizeof(float),
        (values, count, bytes) => MemoryMarshal.AsBytes(values.AsSpan(0, count)).CopyTo(bytes));

    /// <summary>The cosines, then the sines, of each position and pair, which old readers took from the file.</summary>
    private static float[] Angles(LlamaConfig shape)
    {
        int pairs = shape.HeadSize / 2, count = shape.Context * pairs;
        var angles = new float[2 * count];
        for (int i = 0; i < count; i++)
        {
            double angle = i / pairs / Math.Pow(shape.Theta, 2.0 * (i % pairs) / shape.HeadSize);
            (angles[i], angles[count + i]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
        }

        return angles;
    }

    private static NotSupportedException Fixed(string field, double has, string needed) =>
        new($"{Format} has no place for {field}, which is {has:R}; its programs take {needed}.");
}
