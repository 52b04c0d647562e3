using Mayfly;

namespace Extending;

/// <summary>The shape of a <see cref="Trigrams"/> model.</summary>
public sealed record TrigramConfig : ModelConfig
{
    public override LanguageModel Create(Device? device = null, ulong seed = 1) => new Trigrams(this, device, seed);
}

/// <summary>A network over the last two tokens (Bengio et al. 2003): head(tanh(now(token) + before(the token before it))).</summary>
public sealed class Trigrams : LanguageModel
{
    private readonly Embedding now, before;
    private readonly Linear head;

    public Trigrams(TrigramConfig config, Device? device, ulong seed)
    {
        config.Check();
        Config = config;
        var source = new ParameterSource(device, seed);
        now = Add("now", new Embedding(source, config.VocabularySize, config.Width));
        before = Add("before", new Embedding(source, config.VocabularySize, config.Width));
        head = Add("head", new Linear(source, config.Width, config.VocabularySize, role: Role.Head));
    }

    public override TrigramConfig Config { get; }

    protected override Tensor Scores(Tensor ids)
    {
        var earlier = before.Call(ids).Slice(1, 0, ids.Shape[1] - 1); // (B, T - 1, C)
        var none = Tensor.Zeros((ids.Shape[0], 1, Config.Width), ids.Device); // (B, 1, C)
        var h = now.Call(ids) + Tensor.Concat(1, none, earlier); // (B, T, C)
        return head.Call(h.Tanh()); // (B, T, V)
    }
}
