using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parquet;
using Parquet.Schema;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>All formats that Mayfly reads.</summary>
internal sealed class FuzzFormats : IDisposable
{
    private const string Words = "the cat sat on the mat, and the rat caf\u00e9 sat on the cat\n";
    private readonly TemporaryFolder folder = new();
    private readonly string[][] runs;

    public FuzzFormats()
    {
        string data = folder.Write("text.txt", string.Concat(Enumerable.Repeat(Words, 20)));
        string[][] kinds = [["--model", "gpt"], ["--model", "llama", "--optimizer", "muon", "--kv-heads", "1"]];
        runs = [.. kinds.Select((kind, i) => Train(data, folder.File($"run{i}"), kind))];
        All = [.. Make()];
    }

    /// <summary>The formats by name.</summary>
    public IReadOnlyList<FuzzFormat> All { get; }

    /// <summary>Their names, without any file being made.</summary>
    public static string[] Names { get; } =
    [
        "safetensors", "header", "snapshot", "resealed", "config", "log", "log-resumed", "jsonl", "chats", "parquet", "text", "tokens-16",
        "tokens-32", "tokens-prepared", "tokenizer", "huggingface", "model-config", "model-index", "gguf", "llama2c",
        "adapter-config", "adapter",
    ];

    public void Dispose() => folder.Dispose();

    private IEnumerable<FuzzFormat> Make()
    {
        byte[][] tensors = [Tensors(), .. Files(Snapshot.FileName)], snapshots = Files(Snapshot.FileName);
        yield return new("safetensors", "a.safetensors", tensors, Raw(tensors), ReadTensors);
        yield return new("header", "a.safetensors", tensors, (m, file) => WithHeader(file, json => m.Text(json)), ReadTensors);
        yield return new("snapshot", Snapshot.FileName, snapshots, Raw(snapshots), ReadSnapshot);
        yield return new("resealed", Snapshot.FileName, snapshots, Reseal, ReadSnapshot);
        byte[][] configs = Files(RunFolder.ConfigurationName), logs = Files(RunLog.FileName);
        yield return new("config", RunFolder.ConfigurationName, configs, Text(configs), Managed(path =>
            ConfigurationFile.Read(path).Over(new TrainOptions()).Used()));
        yield return new("log", RunLog.FileName, logs, Text(logs), Managed(path => RunSeries.Read(path)));
        yield return new("log-resumed", RunLog.FileName, logs, Text(logs), Managed(path => new RunLog(path, 2).Dispose()));
        byte[][] lines =
            [Encoding.UTF8.GetBytes("{\"text\":\"one\\ntwo\",\"n\":1}\n\n{\"n\":[1,{}],\"text\":\"\u00e9\\ud83d\\ude42\"}\r\n")];
        yield return new("jsonl", "a.jsonl", lines, Text(lines), Managed(path => JsonLines.ReadTexts(path).Count()));
        byte[][] chats = [Encoding.UTF8.GetBytes("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":"
            + "\"b\"}]}\n{\"prompt\":\"c\",\"completion\":\"d\"}\n{\"text\":\"e\"}\n")];
        yield return new("chats", "a.jsonl", chats, Text(chats), Managed(path => ReadData(path).Count()));
        byte[][] tables = [Table(CompressionMethod.Snappy, "text"), Table(CompressionMethod.Gzip, "prompt", "completion")];
        yield return new("parquet", "a.parquet", tables, Raw(tables), Managed(path => ReadData(path).Count()))
        {
            Fixed = 20 << 20, // the window of a packed page's code, however short the page is
        };
        byte[][] texts = [Encoding.UTF8.GetBytes("\uFEFF" + Words), Encoding.UTF8.GetBytes(Words), Encoding.Unicode.GetBytes(Words)];
        yield return new("text", "a.txt", texts, Raw(texts), Managed(path => TextSource.Read(path))) { IsAccepted = false };
        byte[][] narrow = [Tokens<ushort>(), [.. Header(20240520, 1), .. Tokens<ushort>()]];
        byte[][] wide = [Tokens<int>(), [.. Header(20240801, 7), .. Tokens<int>()]];
        yield return new("tokens-16", "a.bin", narrow, Raw(narrow), Managed(ReadTokens));
        yield return new("tokens-32", "a.bin", wide, Raw(wide), Managed(ReadTokens)) { IsAccepted = false };
        byte[][] prepared = [Prepared("some text"), Prepared("a", "b")];
        yield return new("tokens-prepared", "a.bin", prepared, Raw(prepared), Managed(ReadTokens));
        byte[][] tokenizers = [.. new Tokenizer[] { new CharTokenizer(Words), new ByteTokenizer(), new IdTokenizer(50257) }
            .Select(tokenizer => Encoding.UTF8.GetBytes(tokenizer.ToJson()))];
        yield return new("tokenizer", "t.json", tokenizers, Text(tokenizers), Managed(path => Tokenizer.Load(path).Decode([0])));
        byte[][] foreign = [Subwords()];
        yield return new("huggingface", "tokenizer.json", foreign, Text(foreign),
            Managed(path => TokenizerFile.Open(path).Encode("the cat"))) { Fixed = 2 << 20 };
        foreach (var format in new FuzzModels(folder).Make()) yield return format;
    }

    private static string[] Train(string data, string to, string[] kind)
    {
        TrainGptRun.Good(["train", "--data", data, "--out", to, "--layers", "1", "--heads", "2", "--width", "16", "--context", "8",
            "--batch",
            "2", "--steps", "3", "--warm-up", "1", "--save-every", "2", "--evaluate-every", "2", .. kind]);
        return Directory.GetFiles(to);
    }

    private byte[][] Files(string name) => [.. runs.SelectMany(run => run).Where(file => Path.GetFileName(file) == name)
        .Select(File.ReadAllBytes)];

    internal static Func<Mutator, byte[], byte[]> Raw(byte[][] samples) =>
        (mutator, file) => mutator.Bytes(file, samples[mutator.Next(samples.Length)]);

    internal static Func<Mutator, byte[], byte[]> Text(byte[][] samples) =>
        (mutator, file) => mutator.Text(file, samples[mutator.Next(samples.Length)]);

    private static Func<string, long> Managed(Action<string> read) => path =>
    {
        read(path);
        return 0;
    };

    private static byte[] Tensors()
    {
        var writer = new SafeTensorsWriter { HasChecksums = true, Metadata = { ["step"] = "12" } };
        writer.Add<float>("a.weight", new float[6], (2, 3));
        writer.Add<double>("\u00e9", new double[2], 2);
        writer.Add<ushort>("ids", new ushort[3], 3);
        using var whole = new MemoryStream();
        writer.WriteTo(whole);
        return whole.ToArray();
    }

    private static IEnumerable<DocumentPart> ReadData(string path) =>
        DataSource.Open(path, new DataFormat(JsonLines.TextField, ChatTemplate.ChatMl, false)).Parts();

    /// <summary>A table of two row groups with some empty cells and some texts that are alike.</summary>
    private byte[] Table(CompressionMethod method, params string[] columns)
    {
        string path = folder.File("table.parquet");
        var schema = new ParquetSchema(columns.Select(column => new DataField<string>(column)));
        using (var stream = File.Create(path)) Write(stream).GetAwaiter().GetResult();
        return File.ReadAllBytes(path);

        async Task Write(Stream stream)
        {
            await using var table = await ParquetWriter.CreateAsync(schema, stream, new ParquetOptions { CompressionMethod = method });
            foreach (int rows in new[] { 40, 3 })
            {
                using var group = table.CreateRowGroup();
                foreach (var field in schema.DataFields)
                    await group.WriteAsync(field, Enumerable.Range(0, rows).Select(i => i % 5 == 4 ? null : Words[(i % 3)..]).ToArray());
            }
        }
    }

    /// <summary>A prompt makes a file in which some ids are not to be learned.</summary>
    private byte[] Prepared(string completion, string prompt = "")
    {
        string path = folder.File("prepared.bin");
        new TokenEncoder(new ByteTokenizer(), 1).Write(ChatTemplate.Complete(prompt, completion), path, new string('7', 32));
        return File.ReadAllBytes(path);
    }

    private byte[] Subwords()
    {
        var trainer = new BpeTrainer(270, 1);
        trainer.Add(new MemoryStream(Encoding.UTF8.GetBytes(Words)));
        trainer.Train().SaveHuggingFace(folder.File("subwords.json"));
        return File.ReadAllBytes(folder.File("subwords.json"));
    }

    private static byte[] Tokens<T>() where T : unmanaged, System.Numerics.INumber<T> =>
        [.. MemoryMarshal.AsBytes<T>([.. Enumerable.Range(0, 100).Select(i => T.CreateTruncating(i * 523))])];

    private static byte[] Header(int magic, int version)
    {
        int[] header = new int[256];
        (header[0], header[1], header[2]) = (magic, version, 100);
        return [.. MemoryMarshal.AsBytes<int>(header)];
    }

    /// <summary>A safetensors file with another header, whose length is right.</summary>
    internal static byte[] WithHeader(byte[] file, Func<string, string> change)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(file);
        byte[] header = Encoding.UTF8.GetBytes(change(Encoding.UTF8.GetString(file, 8, length))), size = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(size, header.Length);
        return [.. size, .. header, .. file.AsSpan(8 + length)];
    }

    /// <summary>A snapshot of which something in the metadata is another, and every checksum is right.</summary>
    private static byte[] Reseal(Mutator mutator, byte[] file)
    {
        string[] names = ["format", "step", "rules", "tokenizer", "optimizer", "settings_version"];
        return Edited(file, mutator.Next(2) == 0 ? "configuration" : names[mutator.Next(names.Length)], mutator.Text);
    }

    /// <summary>A snapshot with one field of the metadata changed, others left out, and right checksums, if they are kept.</summary>
    public static byte[] Edited(byte[] file, string field, Func<string, string> change, Func<string, bool>? keeps = null)
    {
        byte[] changed = WithHeader(file, json =>
        {
            var root = JsonNode.Parse(json)!.AsObject();
            var metadata = root["__metadata__"]!.AsObject();
            metadata[field] = change((string)metadata[field]!);
            metadata["crc32c_header"] = "00000000";
            foreach (string name in metadata.Select(member => member.Key).Where(name => keeps?.Invoke(name) == false).ToList())
                metadata.Remove(name);
            return root.ToJsonString();
        });
        var header = changed.AsSpan(8, BinaryPrimitives.ReadInt32LittleEndian(changed));
        if (header.IndexOf("crc32c_header"u8) >= 0) Checksums.Seal(header);
        return changed;
    }

    private static long ReadTensors(string path)
    {
        using var reader = SafeTensorsReader.Open(path);
        foreach (var (name, entry) in reader.Entries)
        {
            if (entry.Type == "F32") reader.Read<float>(name);
            else if (entry.Type == "U16") reader.Read<ushort>(name);
            else reader.Read<double>(name);
        }

        if (reader.HasChecksums) reader.Verify();
        return 0;
    }

    private static void ReadTokens(string path)
    {
        using var file = TokenFile.Open(path);
        file.LargestId();
    }

    /// <summary>Everything that <c>train --resume</c> does before its first step.</summary>
    private static long ReadSnapshot(string path)
    {
        using var output = new StringWriter();
        using var run = new RunFolder(Path.GetDirectoryName(path)!);
        var context = new CommandContext(TextReader.Null, output, output, new Signals());
        var (snapshot, shape, options, _) = run.Open(context, SnapshotChoice.Last);
        using (snapshot)
        {
            using var device = Device.CreateCpu(1);
            using var pretrained = FineTuning.HasAdapters(options) ? InitChoice.Open(options) : null;
            using var model = FineTuning.Make(options, shape, device, pretrained);
            using var updater = new Updater(model.Parameters(), OptimizerChoice.Route(options), new UpdaterOptions { Seed = options.Seed });
            snapshot.Restore(FineTuning.Saved(options, model), updater);
            return device.Arena.Report.PeakBytes;
        }
    }
}
