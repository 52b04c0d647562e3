namespace Mayfly.Tests;

/// <summary>Documents packed into rows: loss and gradients are those of the documents alone.</summary>
public class SegmentsTests
{
    private const int Context = 24;
    private static readonly int[] Lengths = [5, 1, 11, 7];
    private static readonly GptConfig Gpt = new() { VocabularySize = 13, Context = Context, Layers = 2, Heads = 2, Width = 16 };
    private static readonly LlamaConfig Llama = new()
    {
        VocabularySize = 13, Context = Context, Layers = 2, Heads = 2, KvHeads = 1, Width = 16,
    };

    /// <summary>Learned positions begin anew in each document; rotary ones are relative, so that they need not.</summary>
    public static TheoryData<string, DecoderConfig> Models => new()
    {
        { "gpt", Gpt },
        { "llama", Llama },
        { "gpt, blocks run again", Gpt with { CheckpointBlocks = true } },
        { "llama, blocks run again in pairs", Llama with { CheckpointBlocks = CheckpointPolicy.Parse("sqrt") } },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Packed_documents_give_loss_and_gradients_of_separate_ones(string name, DecoderConfig config)
    {
        using var device = Device.CreateReference();
        using var model = config.Create(device, seed: 3);
        var random = new Random(1);
        int[] ids = Ids(random), targets = Ids(random);
        targets[3] = targets[20] = -1;
        var (packed, ofPacked) = Gradients(model, () => Loss(model, ids, targets, Starts()));
        var (alone, ofAlone) = Gradients(model, () =>
        {
            int place = 0;
            Tensor? sum = null;
            foreach (int length in Lengths)
            {
                var part = Loss(model, ids[place..(place + length)], targets[place..(place + length)], null);
                sum = sum is null ? part : sum + part;
                place += length;
            }

            return sum!;
        });
        Assert.Equal(alone, packed, 1e-12);
        foreach (var (parameter, gradient) in ofAlone)
            Closeness.OfScale(gradient.Max(Math.Abs) + 1e-3, 1e-12, ofPacked[parameter], gradient, $"{name}, {parameter}");
        var (whole, _) = Gradients(model, () => Loss(model, ids, targets, null));
        Assert.True(Math.Abs(whole - packed) > 1e-6, "documents that see each other give another loss");
    }

    [Fact]
    public void One_document_a_row_is_no_segments()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = Llama.Create(device, seed: 3);
        var random = new Random(1);
        int[] ids = Ids(random), targets = Ids(random);
        var (plain, ofPlain) = Gradients(model, () => Loss(model, ids, targets, null));
        var (parted, ofParted) = Gradients(model, () => Loss(model, ids, targets, new int[Context]));
        Assert.Equal(plain, parted);
        foreach (var (parameter, gradient) in ofPlain) Assert.Equal(gradient, ofParted[parameter]);
    }

    [Fact]
    public void Impossible_segments_are_refused()
    {
        using var device = Device.CreateCpu(threads: 1);
        Assert.Throws<ArgumentException>(() => Segments.Of([0, 0, 0], 2, device));
        Assert.Throws<ArgumentOutOfRangeException>(() => Segments.Of([0, 2], 2, device));
        Assert.Throws<ArgumentOutOfRangeException>(() => Segments.Of([-1, 0], 2, device));
        using var model = Llama.Create(device, seed: 3);
        using var parts = Segments.Of([0, 0], 2, device);
        using var ids = Tensor.From<int>([1, 2, 3], (1, 3), device);
        Assert.Contains("they must be of one shape", Assert.Throws<ArgumentException>(() => model.Logits(ids, parts)).Message);
        Assert.Contains("first keys are I32 (B, T)", Assert.Throws<ArgumentException>(() =>
            Tensor.Ones((1, 3, 9), device).CausalAttention(1, 1, parts.First)).Message);
    }

    private static int[] Ids(Random random) => [.. Enumerable.Range(0, Context).Select(_ => random.Next(13))];

    private static int[] Starts()
    {
        int place = 0;
        return [.. Lengths.SelectMany(length => Enumerable.Repeat((place += length) - length, length))];
    }

    private static Tensor Loss(LanguageModel model, int[] ids, int[] targets, int[]? starts)
    {
        var device = model.Device;
        var parts = starts is null ? null : Segments.Of(starts, ids.Length, device);
        return model.Loss(Tensor.From<int>(ids, (1, ids.Length), device), Tensor.From<int>(targets, (1, ids.Length), device),
            total: Context - 2, parts);
    }

    private static (double Loss, Dictionary<string, double[]> Gradients) Gradients(LanguageModel model, Func<Tensor> loss)
    {
        var gradients = new Dictionary<string, double[]>();
        using var scope = model.Device.Scope("packed");
        using var tape = Tape.Record(model.Device);
        var total = loss();
        tape.Backward(total, (Parameter parameter, ref Gradient gradient) => gradients[parameter.Name] = gradient.Value!.ToArray<double>());
        return (total.ToArray<double>()[0], gradients);
    }
}
