using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Mayfly.Tests;

/// <summary>The GPT of tensor operations learns, writes, and stays short enough to read in one sitting.</summary>
public partial class NanoGptTests
{
    [Fact]
    public void It_learns_and_writes()
    {
        string text = Path.Combine(DocsTests.Root, "docs/transformer.md");
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { "exec", Path.Combine(AppContext.BaseDirectory, "NanoGpt.dll"), text, "30" },
            RedirectStandardOutput = true,
            StandardOutputEncoding = System.Text.Encoding.UTF8,
        };
        using var child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Assert.Equal(0, child.ExitCode);
        double[] losses = [.. Loss().Matches(output).Select(m => double.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))];
        int kinds = File.ReadAllText(text).Distinct().Count();
        Assert.Equal(Math.Log(kinds), losses[0], 0.2);
        Assert.InRange(losses[^1], 0.5, losses[0] - 0.5);
        Assert.True(output.Length > 300);
    }

    /// <summary>The third exercise of the page: its attention, with all T x T shares, is the library's op.</summary>
    [Fact]
    public void Attention_by_hand_is_the_op()
    {
        const int batch = 2, time = 5, heads = 3, headSize = 4, width = heads * headSize;
        using var device = Device.CreateReference();
        using var scope = device.Scope("attention");
        var qkv = Tensor.Uniform((batch, time, 3 * width), -1, 1, new RandomKey(1, 1), device); // (B, T, 3 C)
        var parts = qkv.Split(-1, width, width, width);
        Tensor q = Heads(parts[0]), k = Heads(parts[1]), v = Heads(parts[2]); // (B, H, T, D)
        var future = Tensor.Ones((time, time), device).UpperTriangle(1);
        var shares = (q.MatMul(k.Transpose()) / Math.Sqrt(headSize)).MaskedFill(future, double.NegativeInfinity).Softmax();
        var mixed = shares.MatMul(v).Transpose(1, 2).Reshape((batch, time, width)); // (B, T, C)
        OpResult.Near(mixed.ToArray<double>(), qkv.CausalAttention(heads, heads).ToArray<double>(), 1, 1e-13, "attention");

        static Tensor Heads(Tensor x) => x.Reshape((batch, time, heads, headSize)).Transpose(1, 2);
    }

    [Fact]
    public void It_is_short()
    {
        int lines = File.ReadLines(Path.Combine(DocsTests.Root, "samples/NanoGpt/Program.cs")).Count();
        Assert.InRange(lines, 1, 150);
        Assert.Contains($"in {lines} lines", File.ReadAllText(Path.Combine(DocsTests.Root, "docs/transformer.md")));
    }

    [GeneratedRegex(@"loss (\d+\.\d+)")]
    private static partial Regex Loss();
}
