namespace Mayfly.Tests;

/// <summary>Sorts points of the plane: linear layers with an activation between.</summary>
internal static class PointClassifier
{
    public static Sequential New(int classes, ulong seed = 1)
    {
        var source = new ParameterSource(seed: seed);
        return new Sequential(
            new Linear(source, 2, 48), new Function(x => x.Silu()), new Linear(source, 48, 48), new Function(x => x.Silu()),
            new Linear(source, 48, classes, role: Role.Head));
    }
}

/// <summary>A vision transformer (Dosovitskiy et al. 2021): patches of an image are the positions, and their mean is sorted.</summary>
internal sealed class ImageClassifier : Module
{
    private readonly Conv2d patches;
    private readonly Embedding places;
    private readonly Sequential blocks;
    private readonly Linear head;

    public ImageClassifier(int size, int patch, int classes, int width = 24)
    {
        var source = new ParameterSource();
        patches = Add("patches", new Conv2d(source, 1, width, patch, stride: patch));
        places = Add("places", new Embedding(source, size / patch * (size / patch), width));
        blocks = Add("blocks", new Sequential(new EncoderBlock(source, width, 3, hidden: 48), new LayerNorm(source, width)));
        head = Add("head", new Linear(source, width, classes, role: Role.Head));
    }

    /// <summary>x (B, 1, S, S) -> (B, classes).</summary>
    protected override Tensor Forward(Tensor x)
    {
        var p = patches.Call(x); // (B, C, S / patch, S / patch)
        var h = p.Reshape((p.Shape[0], p.Shape[1], -1)).Transpose(); // (B, T, C)
        return head.Call(blocks.Call(h + places.Table.Value).Mean([1]));
    }
}

/// <summary>A bidirectional encoder over rows of different length (Devlin et al. 2019), which scores the token of each place.</summary>
internal sealed class MaskedEncoder : Module
{
    private readonly Embedding tokens, places;
    private readonly ModuleList<EncoderBlock> blocks;
    private readonly LayerNorm norm;
    private readonly Linear head;

    public MaskedEncoder(int vocabulary, int context, int width = 32)
    {
        var source = new ParameterSource();
        tokens = Add("tokens", new Embedding(source, vocabulary, width, Init.Normal(0.3)));
        places = Add("places", new Embedding(source, context, width, Init.Normal(0.3)));
        blocks = Add("blocks", new ModuleList<EncoderBlock>(
            new EncoderBlock(source, width, 4, hidden: 64), new EncoderBlock(source, width, 4, hidden: 64)));
        norm = Add("norm", new LayerNorm(source, width));
        head = Add("head", new Linear(source, width, vocabulary, role: Role.Head));
    }

    /// <summary>ids I32 (B, T), lengths I32 (B) -> (B, T, V).</summary>
    public Tensor Call(Tensor ids, Tensor lengths)
    {
        using var scope = Open(ids);
        var h = tokens.Call(ids) + places.AtPositions(ids); // (B, T, C)
        foreach (var block in blocks) h = block.Call(h, new AttentionMask { Lengths = lengths });
        return scope.Return(head.Call(norm.Call(h)));
    }
}

/// <summary>A sequence-to-sequence transformer (Vaswani et al. 2017) of one block on each side.</summary>
internal sealed class Translator : Module
{
    private readonly Embedding tokens, sourcePlaces, targetPlaces;
    private readonly EncoderBlock encoder;
    private readonly CrossAttentionBlock decoder;
    private readonly LayerNorm norm;
    private readonly Linear head;

    public Translator(int vocabulary, int context, int width = 32)
    {
        var source = new ParameterSource();
        tokens = Add("tokens", new Embedding(source, vocabulary, width, Init.Normal(0.3)));
        sourcePlaces = Add("source_places", new Embedding(source, context, width, Init.Normal(0.3)));
        targetPlaces = Add("target_places", new Embedding(source, context, width, Init.Normal(0.3)));
        encoder = Add("encoder", new EncoderBlock(source, width, 4, hidden: 64));
        decoder = Add("decoder", new CrossAttentionBlock(source, width, 4, hidden: 64));
        norm = Add("norm", new LayerNorm(source, width));
        head = Add("head", new Linear(source, width, vocabulary, role: Role.Head));
    }

    /// <summary>The scores of what follows: ids I32 (B, S) of the given lengths I32 (B), written I32 (B, T) -> (B, T, V).</summary>
    public Tensor Call(Tensor ids, Tensor lengths, Tensor written)
    {
        using var scope = Open(ids);
        var mask = new AttentionMask { Lengths = lengths };
        var memory = encoder.Call(tokens.Call(ids) + sourcePlaces.AtPositions(ids), mask); // (B, S, C)
        var h = decoder.Call(tokens.Call(written) + targetPlaces.AtPositions(written), memory, mask); // (B, T, C)
        return scope.Return(head.Call(norm.Call(h)));
    }
}
