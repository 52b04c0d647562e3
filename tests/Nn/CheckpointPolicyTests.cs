using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>Checkpoint policies as text and in JSON; that they give the same bits is among the tests of training.</summary>
public class CheckpointPolicyTests
{
    [Theory]
    [InlineData("none", "none")]
    [InlineData("false", "none")]
    [InlineData("all", "all")]
    [InlineData("true", "all")]
    [InlineData("sqrt", "sqrt")]
    [InlineData("every-2", "every-2")]
    [InlineData("first-12", "first-12")]
    public void Is_read_as_it_is_written(string text, string written)
    {
        var policy = CheckpointPolicy.Parse(text);
        Assert.Equal(written, policy.ToString());
        Assert.Equal(policy, CheckpointPolicy.Parse(written));
        Assert.Equal(policy, JsonSerializer.Deserialize<CheckpointPolicy>(JsonSerializer.Serialize(policy)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("every-0")]
    [InlineData("every--1")]
    [InlineData("first-")]
    [InlineData("first-1.5")]
    [InlineData("All")]
    public void Refuses_other_texts(string text)
    {
        Assert.Throws<FormatException>(() => CheckpointPolicy.Parse(text));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<CheckpointPolicy>(JsonSerializer.Serialize(text)));
    }

    [Fact]
    public void Refuses_no_blocks()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => CheckpointPolicy.Every(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => CheckpointPolicy.First(0));
    }

    [Theory]
    [InlineData("true", "all")]
    [InlineData("false", "none")]
    public void Configurations_of_earlier_versions_are_read(string value, string policy)
    {
        string json = $$"""{"kind": "gpt", "VocabularySize": 7, "CheckpointBlocks": {{value}}}""";
        Assert.Equal(policy, JsonSerializer.Deserialize<ModelConfig>(json)!.CheckpointBlocks.ToString());
    }

    /// <summary>Each takes less memory than the one before it, of a model of many blocks.</summary>
    [Fact]
    public void Fewer_activations_live_where_more_is_run_again()
    {
        string[] policies = ["none", "every-3", "every-2", "first-14", "all", "sqrt"];
        long[] peaks = Array.ConvertAll(policies, Peak);
        Assert.Equal(peaks.OrderDescending(), peaks);
        Assert.Equal(peaks.Length, peaks.Distinct().Count());
    }

    private static long Peak(string policy)
    {
        using var device = Device.CreateDry();
        var config = new LlamaConfig { VocabularySize = 7, Layers = 16, CheckpointBlocks = CheckpointPolicy.Parse(policy) };
        using var model = config.Create(device);
        using var updater = new Updater(model.Parameters(), Route.For(new Lomo()));
        updater.Step(() => model.Loss(Ids(), Ids(), total: 1));
        return device.Arena.Report.PeakBytes;

        Tensor Ids() => Tensor.Empty(device, (4, 64), DType.I32, Use.Activation, "ids");
    }
}
