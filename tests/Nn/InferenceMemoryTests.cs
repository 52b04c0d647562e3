using System.Globalization;
using System.Runtime.CompilerServices;

namespace Mayfly.Tests;

/// <summary>Inference as newcomers write it, without a scope and without Dispose, takes no more and more memory.</summary>
public sealed class InferenceMemoryTests
{
    /// <summary>
    /// In a process of its own, whose memory nobody else takes: neither the tensors' bytes nor those of the process grow over 10,000
    /// calls. What is kept and then lost is said once.
    /// </summary>
    [Fact]
    public void Ten_thousand_calls_take_no_more_than_the_first()
    {
        var (code, output, errors) = TestProcess.Run("inference");
        Assert.True(code == 0, errors);
        long[] numbers = [.. output.Split().Where(word => word.Length > 0).Select(word => long.Parse(word, CultureInfo.InvariantCulture))];
        Assert.InRange(numbers[1], 0, numbers[0] + 100_000);
        Assert.InRange(numbers[3], 0, numbers[2] + (16 << 20));
        Assert.StartsWith("Mayfly: memory is lost: Activation tensor of 16 bytes made by Full was garbage-collected", errors);
        Assert.Equal(1, errors.Split("is lost").Length - 1);
    }

    /// <summary>Prints the live bytes after some and after all calls, and the bytes of the process; then loses two tensors.</summary>
    internal static int Call(int calls)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new Gpt(new GptConfig { VocabularySize = 30, Context = 4, Layers = 1, Heads = 1, Width = 4 }, device);
        Run(calls / 5);
        Collect();
        long live = device.Arena.Report.LiveBytes, resident = Environment.WorkingSet;
        Run(calls * 4 / 5);
        Collect();
        Console.WriteLine($"{live} {device.Arena.Report.LiveBytes} {resident} {Environment.WorkingSet}");
        Lose(device);
        Collect();
        return 0;

        void Run(int count)
        {
            for (int i = 0; i < count; i++) _ = model.Logits(Tensor.From<int>([1, 2, 3, 4], (1, 4), device)).ToArray();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lose(Device device)
    {
        using var scope = device.Scope("lost");
        for (int i = 0; i < 2; i++) Tensor.Full(4, 1, device).Keep();
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

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
            Collect();
            return device.Arena.Report;
        }
    }
}
