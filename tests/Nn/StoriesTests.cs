using System.Text;

namespace Mayfly.Tests;

/// <summary>A real trained Llama of 260 thousand parameters with grouped heads, in llama2.c's format, tells its story.</summary>
public class StoriesTests
{
    private const string ModelFile = "data/stories260K.bin", TokenFile = "data/tok512.bin";

    [Fact]
    public void The_greedy_story_begins_as_llama2c_tells_it()
    {
        string? first = null;
        foreach (int threads in new[] { 1, 2 })
        {
            using var device = Device.CreateCpu(threads);
            using var model = Load(device);
            var story = model.GenerateText([[1]], 60, new Sampling { Temperature = 0 }, Decoder(), end: 1).Select(p => p.Text);
            string text = string.Concat(story).TrimStart();
            Assert.StartsWith("Once upon a time, there was a little girl named Lily.", text);
            Assert.Equal(first ??= text, text);
        }
    }

    [Fact]
    public void Kept_keys_and_values_give_the_scores_of_the_whole_story()
    {
        using var device = Device.CreateCpu(threads: 2);
        using var model = Load(device);
        using var scope = device.Scope("story");
        int[] ids = [1, .. model.Generate([1], 99, new Sampling { Temperature = 0 })];
        var whole = model.Logits(Tensor.From<int>(ids, (1, ids.Length), device)).ToArray();
        using var cache = model.NewCache(1, ids.Length);
        for (int t = 0; t < ids.Length; t++)
        {
            var scores = model.Extend(cache, [new RowTokens(0, ids.AsMemory(t, 1))]).ToArray();
            for (int v = 0; v < scores.Length; v++) Assert.Equal(whole[t * scores.Length + v], scores[v], 1e-4f);
        }
    }

    private static Llama Load(Device device)
    {
        using var reader = new BinaryReader(File.OpenRead(SharedFile.Get(ModelFile)));
        int[] header = [.. Enumerable.Range(0, 7).Select(_ => reader.ReadInt32())];
        int width = header[0], hidden = header[1], layers = header[2], kvWidth = width / header[3] * header[4],
            vocabulary = Math.Abs(header[5]);
        var model = new Llama(
            new LlamaConfig
            {
                VocabularySize = vocabulary,
                Context = header[6],
                Layers = layers,
                Heads = header[3],
                KvHeads = header[4],
                Width = width,
                Hidden = hidden,
                TiedHead = header[5] > 0,
            },
            device);
        Set("tokens.table", Read(vocabulary * width));
        Each("norm1.gain", width);
        float[][] q = Layers(width * width), k = Layers(kvWidth * width), v = Layers(kvWidth * width);
        for (int i = 0; i < layers; i++) Set($"blocks.{i}.attention.qkv.weight", [.. q[i], .. k[i], .. v[i]]);
        Each("attention.projection.weight", width * width);
        Each("norm2.gain", width);
        Each("mlp.gate.weight", hidden * width);
        Each("mlp.down.weight", hidden * width);
        Each("mlp.up.weight", hidden * width);
        Set("norm.gain", Read(width));
        return model;

        float[] Read(int count) => [.. Enumerable.Range(0, count).Select(_ => reader.ReadSingle())];

        float[][] Layers(int count) => [.. Enumerable.Range(0, layers).Select(_ => Read(count))];

        void Set(string name, float[] values) => model[name].Value.CopyFrom<float>(values);

        void Each(string name, int count)
        {
            for (int i = 0; i < layers; i++) Set($"blocks.{i}.{name}", Read(count));
        }
    }

    private static Func<int[], string> Decoder()
    {
        using var reader = new BinaryReader(File.OpenRead(SharedFile.Get(TokenFile)));
        reader.ReadInt32(); // the longest token
        var pieces = new List<byte[]>();
        while (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            reader.ReadSingle(); // the score, for encoding
            pieces.Add(reader.ReadBytes(reader.ReadInt32()));
        }

        return ids => Encoding.UTF8.GetString([.. ids.SelectMany(id => Bytes(pieces[id]))]);
    }

    /// <summary>A piece as it is, or the one byte that it names as in &lt;0x0A&gt;.</summary>
    private static byte[] Bytes(byte[] piece)
    {
        string text = Encoding.UTF8.GetString(piece);
        return text.Length == 6 && text.StartsWith("<0x") ? [Convert.ToByte(text[3..5], 16)] : piece;
    }
}
