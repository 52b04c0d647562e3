using System.Reflection;

namespace Mayfly.Tests;

/// <summary>The file-based app samples/FineTune.cs.</summary>
public class FineTuneTests
{
    [Fact]
    public void A_model_is_tuned_and_written_for_llama_cpp()
    {
        using var folder = new TemporaryFolder();
        using (var model = new LlamaConfig { VocabularySize = 256, Context = 32, Layers = 1, Heads = 2, Width = 16 }.Create())
            new ModelExport(model, new ByteTokenizer()).Save("gguf", folder.File("base.gguf"));
        string text = folder.Write("text.txt", TrainGptRun.Text(3000)), tuned = folder.File("tuned.gguf");
        var entry = Assembly.Load("FineTune").EntryPoint!;
        Assert.Equal(0, entry.Invoke(null, [(string[])[folder.File("base.gguf"), text, tuned, "30"]]));
        using PretrainedModel before = PretrainedModel.Open(folder.File("base.gguf")), after = PretrainedModel.Open(tuned);
        using LanguageModel first = before.Create(), second = after.Create();
        Assert.Equal(first["tokens.table"].Value.ToArray(), second["tokens.table"].Value.ToArray());
        Assert.NotEqual(first["blocks.0.attention.qkv.weight"].Value.ToArray(), second["blocks.0.attention.qkv.weight"].Value.ToArray());
    }
}
