using LLama;
using LLama.Common;
using LLama.Native;

namespace Mayfly.Tests;

/// <summary>A GGUF file as llama.cpp reads it, by LLamaSharp.</summary>
internal sealed class LlamaCppModel : IDisposable
{
    private readonly LLamaWeights weights;
    private readonly ModelParams settings;

    static LlamaCppModel() => NativeLibraryConfig.All.WithLogCallback((level, message) =>
    {
        if (level == LLamaLogLevel.Error) Console.Error.Write(message);
    });

    /// <summary>Opens a file; where the native library does not load the test is skipped and says why.</summary>
    public LlamaCppModel(string path)
    {
        Assert.SkipWhen(Problem.Value is not null, $"llama.cpp's library does not load: {Problem.Value}");
        settings = new ModelParams(path)
        {
            GpuLayerCount = 0,
            Threads = 1,
            BatchThreads = 1,
            TypeK = GGMLType.GGML_TYPE_F32,
            TypeV = GGMLType.GGML_TYPE_F32,
            FlashAttention = false,
        };
        weights = LLamaWeights.LoadFromFile(settings);
    }

    private static readonly Lazy<string?> Problem = new(() =>
    {
        try
        {
            NativeApi.llama_max_devices();
            return null;
        }
        catch (Exception e)
        {
            return (e.InnerException ?? e).Message.Split('\n')[0];
        }
    });

    /// <summary>A chat up to where the answer begins, by a template in Jinja.</summary>
    public static string Ask(string jinja, IEnumerable<ChatMessage> chat)
    {
        Assert.SkipWhen(Problem.Value is not null, $"llama.cpp's library does not load: {Problem.Value}");
        var template = new LLamaTemplate(jinja) { AddAssistant = true };
        foreach (var (role, content) in chat) template.Add(role, content);
        return System.Text.Encoding.UTF8.GetString(template.Apply());
    }

    /// <summary>The size of the vocabulary.</summary>
    public int VocabularySize => weights.Vocab.Count;

    /// <summary>The fields of the header.</summary>
    public IReadOnlyDictionary<string, string> Metadata => weights.Metadata;

    /// <summary>The ids of a text by the file's vocabulary.</summary>
    public int[] Encode(string text, bool addsBegin = false) =>
        [.. weights.Tokenize(text, addsBegin, false, System.Text.Encoding.UTF8).Select(token => (int)token)];

    /// <summary>The logits at every position.</summary>
    public float[][] Logits(int[] ids)
    {
        using var context = Context(ids.Length);
        var batch = new LLamaBatch();
        for (int i = 0; i < ids.Length; i++) batch.Add(ids[i], i, LLamaSeqId.Zero, true);
        Decode(context, batch);
        return [.. Enumerable.Range(0, ids.Length).Select(i => context.NativeHandle.GetLogitsIth(i).ToArray())];
    }

    /// <summary>The ids that follow, each the most likely.</summary>
    public int[] Greedy(int[] ids, int count)
    {
        using var context = Context(ids.Length + count);
        var batch = new LLamaBatch();
        for (int i = 0; i < ids.Length; i++) batch.Add(ids[i], i, LLamaSeqId.Zero, i == ids.Length - 1);
        Decode(context, batch);
        var found = new int[count];
        for (int i = 0, last = ids.Length - 1; i < count; i++, last = 0)
        {
            var logits = context.NativeHandle.GetLogitsIth(last);
            found[i] = logits.IndexOf(logits.ToArray().Max());
            batch.Clear();
            batch.Add(found[i], ids.Length + i, LLamaSeqId.Zero, true);
            if (i < count - 1) Decode(context, batch);
        }

        return found;
    }

    /// <inheritdoc/>
    public void Dispose() => weights.Dispose();

    private LLamaContext Context(int length)
    {
        settings.ContextSize = settings.BatchSize = settings.UBatchSize = (uint)length;
        return weights.CreateContext(settings);
    }

    private static void Decode(LLamaContext context, LLamaBatch batch) =>
        Assert.Equal(DecodeResult.Ok, context.NativeHandle.Decode(batch));
}
