namespace Mayfly.Tests;

/// <summary>Inference as newcomers write it, without a scope and without Dispose, takes no more and more memory.</summary>
public sealed class InferenceMemoryTests
{
    /// <summary>Each call makes the ids and the scores, 40 KB, which nobody frees: 80 MB in all, not all at one time.</summary>
    [Fact]
    public void Calls_without_a_scope_leave_the_memory_flat()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new Gpt(new GptConfig { VocabularySize = 1000, Context = 10, Layers = 1, Heads = 1, Width = 8 }, device);
        Run(200);
        long before = Settled().LiveBytes;
        Run(2000);
        Assert.InRange(Settled().LiveBytes, 0, before + 100_000);
        Assert.InRange(Settled().ReservedBytes, 0, 36 << 20);

        void Run(int calls)
        {
            for (int i = 0; i < calls; i++) _ = model.Logits(Tensor.From<int>([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], (1, 10), device)).ToArray();
        }

        MemoryReport Settled()
        {
            Tensor.Ones(1, device).Dispose();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return device.Arena.Report;
        }
    }
}
