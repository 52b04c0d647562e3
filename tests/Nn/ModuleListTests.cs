namespace Mayfly.Tests;

/// <summary>Modules made of others, convolutions, weights in files of their own and on another device.</summary>
public sealed class ModuleListTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_sequence_calls_one_after_the_other_under_numbered_names()
    {
        using var model = Model();
        Assert.Equal(["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"], model.Parameters().Select(p => p.Name));
        Assert.Equal((5, typeof(Conv2d)), (model.Count, model[0].GetType()));
        var x = Tensor.Uniform((2, 3, 6, 6), -1, 1, new RandomKey(1, 1));
        Tensor W(string name) => model[name].Value;
        var right = x.Conv2d(W("0.weight"), W("0.bias"), 2, 1).Relu().Reshape((2, 4, 9)).Conv1d(W("2.weight"), W("2.bias"), groups: 2);
        right = right.Reshape((2, -1)).Linear(W("4.weight"), W("4.bias"));
        Assert.Equal(right.ToArray(), model.Call(x).ToArray());
    }

    [Fact]
    public void A_list_passes_calls_on_to_what_replaced_its_modules()
    {
        var source = new ParameterSource();
        using var model = new Sequential(new Linear(source, 2, 2), new Linear(source, 2, 2));
        var x = Tensor.Ones((1, 2));
        model.Replace("*", _ => new Function(y => 2 * y));
        Assert.Equal([4f, 4f], model.Call(x).ToArray());
    }

    [Fact]
    public void Weights_come_back_from_a_file_as_they_were()
    {
        using Sequential model = Model(1), other = Model(2);
        string path = folder.File("model.safetensors");
        model.Save(path);
        Assert.Empty(other.Load(path));
        Assert.Equal(Values(model), Values(other));
    }

    [Fact]
    public void Names_are_mapped_and_what_is_not_shared_is_left_where_it_is_asked_for()
    {
        var source = new ParameterSource();
        using Linear saved = new(source, 3, 2), small = new(source, 3, 2, bias: false);
        string path = folder.File("linear.safetensors");
        saved.Save(path);
        Assert.Contains(": bias: ", Assert.Throws<BadFileException>(() => small.Load(path)).Message);
        Assert.Empty(small.Load(path, strict: false));
        Assert.Equal(saved.Weight.Value.ToArray(), small.Weight.Value.ToArray());
        using var wrapped = new Sequential(new Linear(source, 3, 2));
        Assert.Contains(": 0.weight: ", Assert.Throws<BadFileException>(() => wrapped.Load(path)).Message);
        Assert.Equal(["0.weight", "0.bias"], wrapped.Load(path, strict: false));
        Assert.Empty(wrapped.Load(path, map: name => name["0.".Length..]));
        Assert.Equal(Values(saved), Values(wrapped));
        using var wide = new Linear(source, 4, 2);
        var before = wide.Weight.Value.ToArray();
        Assert.Contains("shape", Assert.Throws<BadFileException>(() => wide.Load(path)).Message);
        Assert.Equal(before, wide.Weight.Value.ToArray());
    }

    [Fact]
    public void A_model_moves_to_another_device()
    {
        using var reference = Device.CreateReference();
        using var model = new Llama(new LlamaConfig { VocabularySize = 11, Context = 8, Layers = 1, Heads = 2, Width = 8 });
        using var ids = Tensor.From<int>([1, 2, 3, 4], (1, 4));
        var before = model.Logits(ids).ToArray();
        model.To(reference);
        Assert.Equal(reference, model.Device);
        Closeness.OfScale(1, 1e-5, model.Logits(ids.To(reference)).ToArray<double>(), [.. before.Select(x => (double)x)], "logits");
        model.To(Device.Cpu);
        Assert.Equal(before, model.Logits(ids).ToArray());
    }

    private static float[] Values(Module model) => [.. model.Parameters().SelectMany(p => p.Value.ToArray())];

    private static Sequential Model(ulong seed = 1)
    {
        var source = new ParameterSource(seed: seed);
        return new Sequential(
            new Conv2d(source, 3, 4, 3, stride: 2, padding: 1),
            new Function(x => x.Relu().Reshape((x.Shape[0], 4, -1))),
            new Conv1d(source, 4, 2, 3, groups: 2),
            new Function(x => x.Reshape((x.Shape[0], -1))),
            new Linear(source, 14, 5));
    }
}
