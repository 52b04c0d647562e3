namespace Mayfly.Tests;

/// <summary>What <see cref="ModelExport"/> writes as GGUF, read by llama.cpp.</summary>
public class ExportedModelTests
{
    private const int Vocabulary = 300, Context = 32;
    private static readonly Device Cpu = Device.CreateCpu(threads: 1);
    private static readonly string Text = string.Concat(Enumerable.Repeat("the cat sat on the mat; the café's dog didn't, 12 times. ", 40));

    private static readonly Dictionary<string, ModelConfig> Shapes = new()
    {
        ["llama tied"] = Llama with { TiedHead = true },
        ["llama"] = Llama,
        ["llama of halves"] = Llama with { RotaryHalves = true, Theta = 500000, Epsilon = 1e-6f },
        ["gpt tied"] = Gpt with { TiedHead = true },
        ["gpt"] = Gpt,
        ["gpt without biases"] = Gpt with { Bias = false, TiedHead = true },
    };

    /// <summary>
    /// How far logits are off, of the largest: by what a type rounds activations to in llama.cpp's products, about twice what was seen. A
    /// GPT is off by its GELU, which there is a table of 16 bits.
    /// </summary>
    private static readonly Dictionary<WeightType, double> Errors = new()
    {
        [WeightType.F32] = 1e-5, [WeightType.F16] = 1e-3, [WeightType.BF16] = 8e-3, [WeightType.Q8] = 2.5e-2,
    };

    private const double GeluError = 8e-4;

    private static LlamaConfig Llama => new()
    {
        VocabularySize = Vocabulary, Context = Context, Layers = 2, Heads = 4, KvHeads = 2, Width = 64, Hidden = 96,
    };

    private static GptConfig Gpt => new() { VocabularySize = Vocabulary, Context = Context, Layers = 2, Heads = 4, Width = 64 };

    public static TheoryData<string, WeightType> Cases()
    {
        var cases = new TheoryData<string, WeightType>();
        foreach (string shape in Shapes.Keys)
            foreach (var type in Enum.GetValues<WeightType>()) cases.Add(shape, type);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_and_greedy_text_are_those_of_the_model(string shape, WeightType type)
    {
        using var folder = new TemporaryFolder();
        using var model = Make(Shapes[shape]);
        string file = folder.File("m.gguf");
        new ModelExport(model, Bpe(), new ExportOptions { Type = type }).Save("gguf", file);
        using var theirs = new LlamaCppModel(file);
        int[] ids = Bpe().Encode("the cat didn't sit on 12 mats")[..12];
        Assert.Equal(Vocabulary, theirs.VocabularySize);
        using var stored = PretrainedModel.Open(file);
        using var rounded = stored.Create(Cpu); // the weights as the type holds them
        AssertClose(theirs.Logits(ids), Logits(rounded, ids), Errors[type] + (model is Mayfly.Gpt ? GeluError : 0));
        if (type == WeightType.F32) Assert.Equal(model.Generate(ids, 20, new Sampling { Temperature = 0 }), theirs.Greedy(ids, 20));
    }

    [Fact]
    public void The_story_of_a_trained_model_is_told()
    {
        using var pretrained = PretrainedModel.Open(SharedFile.Get("data/stories260K.bin"));
        using var model = pretrained.Create(Cpu);
        using var folder = new TemporaryFolder();
        new ModelExport(model, pretrained.Tokenizer).Save("gguf", folder.File("m.gguf"));
        using var theirs = new LlamaCppModel(folder.File("m.gguf"));
        int[] told = theirs.Greedy([1], 60);
        Assert.StartsWith("Once upon a time, there was a little girl named Lily.", pretrained.Tokenizer!.Decode(told));
        Assert.Equal(model.Generate([1], 60, new Sampling { Temperature = 0 }), told);
        AssertClose(theirs.Logits([1, .. told]), Logits(model, [1, .. told]), Errors[WeightType.F32]);
    }

    public static TheoryData<string> Tokenizers => ["byte-level BPE", "bytes", "characters", "GPT-2", "cl100k", "SentencePiece"];

    /// <summary>The vocabulary in the file cuts text as the tokenizer does.</summary>
    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void Texts_have_the_same_ids(string kind)
    {
        var tokenizer = Tokenizer(kind);
        using var folder = new TemporaryFolder();
        var shape = Llama with { VocabularySize = tokenizer.VocabularySize + 3, Width = 32, Layers = 1, TiedHead = true };
        using var model = shape.Create(Cpu);
        new ModelExport(model, tokenizer, new ExportOptions { ChatTemplate = "{{ messages }}" }).Save("gguf", folder.File("m.gguf"));
        using var theirs = new LlamaCppModel(folder.File("m.gguf"));
        using var read = PretrainedModel.Open(folder.File("m.gguf"));
        string[] texts = ["the cat sat", " on the café's mat;  didn't", "12345 times.\n\n the end ", "a", "dog, dog; dog"];
        foreach (string text in texts)
        {
            int[] begin = tokenizer.BeginOfText is { } id ? [id] : [];
            string seen = kind == "characters" ? string.Concat(text.Where(Text.Contains)) : text;
            Assert.Equal([.. begin, .. tokenizer.Encode(seen)], theirs.Encode(seen, addsBegin: true));
            Assert.Equal(tokenizer.Encode(seen), read.Tokenizer!.Encode(seen));
            Assert.Equal(tokenizer.Decode(tokenizer.Encode(seen)), read.Tokenizer.Decode(read.Tokenizer.Encode(seen)));
        }

        Assert.Equal("{{ messages }}", theirs.Metadata["tokenizer.chat_template"]);
    }

    /// <summary>What a model learned to answer to is what llama.cpp asks it, but for the token that begins a text.</summary>
    [Theory]
    [InlineData("chatml", "")]
    [InlineData("llama3", "<|begin_of_text|>")]
    public void A_chat_is_asked_alike(string name, string begin)
    {
        var template = ChatTemplate.Named(name);
        ChatMessage[] chat = [new("system", "Be brief."), new("user", "Hi"), new("assistant", "Hello"), new("user", "Bye")];
        string ours = string.Concat(template.Ask(chat).Select(part => System.Text.Encoding.UTF8.GetString(part.Utf8.Span)));
        Assert.Equal(ours, begin + LlamaCppModel.Ask(template.Jinja, chat));
    }

    private static Tokenizer Tokenizer(string kind) => kind switch
    {
        "byte-level BPE" => Bpe(),
        "bytes" => new ByteTokenizer(),
        "characters" => new CharTokenizer(Text, hasUnknown: true),
        "GPT-2" => TokenizerFile.Open(SharedFile.Get("data/tokenizers/gpt2-vocab.bpe")),
        "cl100k" => TokenizerFile.Open(SharedFile.Get("data/tokenizers/cl100k_base.tiktoken")),
        _ => TokenizerFile.Open(SharedFile.Get("data/tok512.bin")),
    };

    private static SubwordTokenizer Bpe()
    {
        var trainer = new BpeTrainer(Vocabulary, 1);
        trainer.Add(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(Text)));
        return trainer.Train();
    }

    /// <summary>Weights of a size at which logits differ clearly.</summary>
    private static LanguageModel Make(ModelConfig shape)
    {
        var model = shape.Create(Cpu, seed: 3);
        foreach (var parameter in model.Parameters().Where(parameter => parameter.Shape.Rank == 2))
            parameter.Value.CopyFrom<float>(Array.ConvertAll(parameter.Value.ToArray(), value => 4 * value));
        model.Eval();
        return model;
    }

    private static float[][] Logits(LanguageModel model, int[] ids)
    {
        using var scope = Cpu.Scope("test");
        return [.. model.Logits(Tensor.From<int>(ids, (1, ids.Length), Cpu)).ToArray().Chunk(model.VocabularySize)];
    }

    private static void AssertClose(float[][] theirs, float[][] ours, double share)
    {
        double scale = ours.Max(row => row.Max(Math.Abs)), worst = 0;
        for (int t = 0; t < ours.Length; t++)
            for (int i = 0; i < ours[t].Length; i++) worst = Math.Max(worst, Math.Abs(theirs[t][i] - ours[t][i]));
        Assert.True(worst <= share * scale, $"logits up to {scale:G3} are off by {worst:E2}, allowed {share * scale:E2}.");
    }
}
