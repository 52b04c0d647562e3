namespace Mayfly;

/// <summary>
/// The shapes of published models: GPT-2 (Radford et al. 2019), LLaMA 7B and 13B (Touvron et al. 2023), and the smaller Llamas on which
/// GaLore (Zhao et al. 2024) and APOLLO (Zhu et al. 2024) were measured. Widths, layers, heads, context and epsilon of the Llamas are those
/// of <c>configs/llama_60m.json</c>, <c>130m</c>, <c>350m</c>, <c>1b</c> and <c>7b</c> in
/// <see href="https://github.com/jiaweizzhao/GaLore"/> and of <c>configs/llama_13b.json</c> in APOLLO's repository; those of GPT-2 are of
/// its paper's smallest model. The files' model turns halves of a head, these turn neighbours as the first Llama did: the same model with
/// the rows of queries and keys in another order.
/// </summary>
public static class ModelNames
{
    private const int Gpt2Tokens = 50257, LlamaTokens = 32000;

    private static readonly (string Name, ModelConfig Config)[] Known =
    [
        ("gpt2-124m", new GptConfig { VocabularySize = Gpt2Tokens, Context = 1024, Layers = 12, Heads = 12, Width = 768, TiedHead = true }),
        ("llama-60m", Llama(512, 1376, 8, 8)),
        ("llama-130m", Llama(768, 2048, 12, 12)),
        ("llama-350m", Llama(1024, 2736, 24, 16)),
        ("llama-1b", Llama(2048, 5461, 24, 32)),
        ("llama-7b", Llama(4096, 11008, 32, 32) with { Context = 2048 }),
        ("llama-13b", Llama(5120, 13824, 40, 40) with { Context = 2048 }),
    ];

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Of<ModelConfig>()];

    /// <summary>A published model of a kind by name.</summary>
    /// <exception cref="ArgumentException">No model of this kind has that name; the message lists those known.</exception>
    public static T Find<T>(string name) where T : ModelConfig => Known.FirstOrDefault(k => k.Name == name).Config as T
        ?? throw new ArgumentException($"No {typeof(T).Name} is named '{name}'; known are {string.Join(", ", Of<T>())}.", nameof(name));

    private static IEnumerable<string> Of<T>() where T : ModelConfig => Known.Where(k => k.Config is T).Select(k => k.Name);

    private static LlamaConfig Llama(int width, int hidden, int layers, int heads) => new()
    {
        VocabularySize = LlamaTokens,
        Context = 1024,
        Layers = layers,
        Heads = heads,
        Width = width,
        Hidden = hidden,
        Epsilon = 1e-6f,
    };
}
