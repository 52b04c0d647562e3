using System.Text.Json.Serialization;

namespace Mayfly;

/// <summary>
/// What the shapes of all language models share. Change a named one by <c>with</c>. As JSON it carries its kind, as <c>gpt</c>, wherever it
/// is declared as this type; a kind of your own is known once it was registered.
/// </summary>
[JsonConverter(typeof(ModelKinds))]
public abstract record ModelConfig
{
    /// <summary>V, the number of tokens.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The longest sequence, in tokens.</summary>
    public int Context { get; init; } = 64;

    /// <summary>The number of blocks.</summary>
    public int Layers { get; init; } = 4;

    /// <summary>The number of query heads.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>The number of key and value heads (Ainslie et al. 2023), a divisor of the heads; 0 takes as many as query heads.</summary>
    public int KvHeads { get; init; }

    /// <summary>C, the size of a token's vector.</summary>
    public int Width { get; init; } = 128;

    /// <summary>The size inside the feed-forward part; 0 takes the model's customary multiple of the width.</summary>
    public int Hidden { get; init; }

    /// <summary>
    /// True where the head shares the token table: V C fewer weights, but in eager training the table's gradient lives through the whole
    /// backward sweep, as its first use is the last that the sweep reaches.
    /// </summary>
    public bool TiedHead { get; init; }

    /// <summary>
    /// The part of the elements that training sets to zero in the embeddings and in both branches of each block. Attention probabilities
    /// are not dropped.
    /// </summary>
    public float Dropout { get; init; }

    /// <summary>
    /// Which blocks backward runs again from their input instead of keeping what they made: less memory, up to a third more time, or two
    /// thirds. True stands for all.
    /// </summary>
    public CheckpointPolicy CheckpointBlocks { get; init; }

    /// <summary>
    /// The type in which matrices and tables are stored: F32; BF16; or Int8 for hidden matrices, with BF16 for tables and head. Vectors are
    /// F32, and all arithmetic is.
    /// </summary>
    [JsonConverter(typeof(JsonStringEnumConverter<DType>))]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DType Weights { get; init; }

    /// <summary>The names of all kinds: gpt, llama, and those that were registered.</summary>
    public static IReadOnlyList<string> Kinds => ModelKinds.Names;

    /// <summary>Makes a kind of models known: by its name configurations are saved with snapshots and read again.</summary>
    /// <param name="kind">The name in the JSON.</param>
    /// <param name="start">The kind's usual shape, for any vocabulary; its type is the kind's.</param>
    /// <exception cref="ArgumentException">The name or the type stands for another kind.</exception>
    public static void Register(string kind, ModelConfig start) => ModelKinds.Register(kind, start);

    /// <summary>The usual shape of a kind.</summary>
    /// <exception cref="ArgumentException">The kind is unknown; the message lists those known.</exception>
    public static ModelConfig OfKind(string kind) =>
        ModelKinds.Find(kind) ?? throw new ArgumentException(ModelKinds.Unknown(kind), nameof(kind));

    /// <summary>A published model by name, as <c>llama-60m</c>; see <see cref="ModelNames"/>.</summary>
    /// <exception cref="ArgumentException">The name is unknown; the message lists those known.</exception>
    public static ModelConfig Named(string name) => ModelNames.Find<ModelConfig>(name);

    /// <summary>A model of this shape with new parameters.</summary>
    /// <param name="device">Where it lives; null means <see cref="Device.Cpu"/>.</param>
    /// <param name="seed">The seed of the initial values.</param>
    /// <exception cref="ArgumentException">The configuration is impossible; see <see cref="Check"/>.</exception>
    public abstract LanguageModel Create(Device? device = null, ulong seed = 1);

    /// <summary>The number of the model's parameters. Unless a kind has a formula for it, a model is made and counted.</summary>
    /// <exception cref="OverflowException">64 bits cannot count them.</exception>
    public virtual long CountParameters()
    {
        using var model = Create();
        return model.ParameterCount;
    }

    /// <summary>The same shape with every size said: no 0 stands for the customary one.</summary>
    public virtual ModelConfig Explicit() => this with { KvHeads = KeyHeads, Hidden = Hidden == 0 ? 4 * Width : Hidden };

    /// <summary>Weights of which the bytes, in any type, and sums of a few of those are still counted by 64 bits.</summary>
    private const double MostParameters = 1L << 56;

    /// <summary>Checks every field.</summary>
    /// <exception cref="ArgumentException">A field is impossible; the message names it and says what to do.</exception>
    public virtual void Check()
    {
        AtLeast(1, nameof(VocabularySize), VocabularySize);
        AtLeast(1, nameof(Context), Context);
        AtLeast(1, nameof(Layers), Layers);
        AtLeast(1, nameof(Heads), Heads);
        AtLeast(0, nameof(KvHeads), KvHeads);
        AtLeast(1, nameof(Width), Width);
        AtLeast(0, nameof(Hidden), Hidden);
        if (Width % Heads != 0)
            throw Bad($"Width {Width} is not divisible by Heads {Heads}; choose a width that is a multiple of the heads.");
        if (KvHeads > 0 && Heads % KvHeads != 0)
            throw Bad($"Heads {Heads} is not divisible by KvHeads {KvHeads}; choose a divisor of the heads.");
        double hidden = Math.Max(Hidden, 4.0 * Width), matrices = Layers * (8.0 * Width + 4 * hidden) + 2.0 * VocabularySize + Context;
        if (matrices * Width > MostParameters)
            throw Bad($"Width {Width}, Hidden {Hidden}, Layers {Layers}, VocabularySize {VocabularySize} and Context {Context} make more "
                + "weights than any machine can hold; make them smaller.");
        if (!(Dropout >= 0 && Dropout < 1))
            throw Bad($"Dropout {Dropout} is outside [0, 1); choose the part of the elements to drop, as 0.1.");
        if (Weights is not (DType.F32 or DType.BF16 or DType.Int8))
            throw Bad($"Weights are of type {Weights}; choose F32, BF16 or Int8.");
    }

    /// <summary>D, the size of a head.</summary>
    [JsonIgnore]
    public int HeadSize => Width / Heads;

    /// <summary>The number of key and value heads, never 0.</summary>
    private int KeyHeads => KvHeads == 0 ? Heads : KvHeads;

    /// <summary>The width of queries, keys and values side by side.</summary>
    protected long FusedWidth => (Heads + 2L * KeyHeads) * HeadSize;

    /// <summary>The weights of one attention: qkv and projection.</summary>
    protected long AttentionWeights => checked((FusedWidth + Width) * Width);

    /// <summary>The weights of the token table and of a head of its own.</summary>
    protected long TokenWeights => checked((TiedHead ? 1L : 2L) * VocabularySize * Width);

    /// <summary>An error of a field.</summary>
    /// <param name="message">Names the field and its value and says what to do.</param>
    protected ArgumentException Bad(string message) => new($"{GetType().Name}: {message}");

    private void AtLeast(int least, string field, int value)
    {
        if (value < least) throw Bad($"{field} is {value}; it must be at least {least}.");
    }
}
