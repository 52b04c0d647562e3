using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Running;

namespace Mayfly.Benches;

/// <summary>The main kernels at the sizes of one GPT layer (width 768, 1024 tokens), for BenchmarkDotNet's statistics.</summary>
[MemoryDiagnoser]
public class KernelBenchmarks
{
    private const int Tokens = 1024, Width = 768;
    private readonly Device device = Device.CreateCpu();
    private Tensor x = null!, weight = null!, gain = null!, qkv = null!;

    internal static int Run(string[] args)
    {
        BenchmarkRunner.Run<KernelBenchmarks>(null, args);
        return 0;
    }

    /// <summary>Makes the operands.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        x = Random((Tokens, Width), 1);
        weight = Random((Width, Width), 2);
        gain = Random(Width, 3);
        qkv = Random((4, Tokens / 4, 3 * Width), 4);
    }

    /// <summary>(1024, 768) x (768, 768).</summary>
    [Benchmark]
    public void Linear() => x.Linear(weight).Dispose();

    /// <summary>A row formula with two folds.</summary>
    [Benchmark]
    public void LayerNorm() => x.LayerNorm(gain, gain).Dispose();

    /// <summary>An element-wise formula with one exp.</summary>
    [Benchmark]
    public void Silu() => x.Silu().Dispose();

    /// <summary>Batch 4, 256 tokens, 12 heads of 64.</summary>
    [Benchmark]
    public void CausalAttention() => qkv.CausalAttention(12, 12).Dispose();

    private Tensor Random(Shape shape, ulong stream) => Tensor.Uniform(shape, -1, 1, new RandomKey(1, stream), device);
}
