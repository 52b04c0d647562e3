using System.Diagnostics;
using System.Globalization;

namespace Mayfly.Benches;

/// <summary>What a card does, in one command: whole steps, with what they launch and wait for, and matrix products by themselves.</summary>
internal static class GpuBench
{
    private static readonly (int M, int N, int K)[] products =
        [(1024, 1024, 1024), (4096, 4096, 4096), (1024, 3072, 768), (768, 3072, 1024)];

    /// <summary>The command's entry.</summary>
    public static int Run(string device, string[] configs)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        bool isSimulated = device == "ilgpu-cpu";
        foreach (var (m, n, k) in isSimulated ? [] : products) Console.WriteLine(Product(device, m, n, k));
        foreach (string config in configs)
            foreach (int readEvery in (int[])[1, 10])
            {
                Console.WriteLine($"--- {config}, deferred, clipped, read every {readEvery} steps");
                int code = StepBench.Run(new("gpt", config, isSimulated ? 1 : 20, "deferred")
                {
                    Device = device, ReadEvery = readEvery, Clip = 1,
                });
                if (code != 0) return code;
            }

        return 0;
    }

    private static string Product(string name, int m, int n, int k)
    {
        const int rounds = 10;
        using var device = Device.Open(name);
        using var scope = device.Scope("product");
        Tensor a = Tensor.Ones((m, k), device), b = Tensor.Ones((n, k), device);
        a.Linear(b).Dispose();
        device.Backend.Synchronize();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < rounds; i++) a.Linear(b).Dispose();
        device.Backend.Synchronize();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds / rounds;
        return $"product ({m}, {k}) x ({k}, {n}): {seconds * 1e3:F3} ms, {2.0 * m * n * k / seconds / 1e12:F2} TFLOP/s";
    }
}
