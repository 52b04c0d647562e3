// The work of `benches -- step` and `benches -- gemm` in TorchSharp on the CPU.
// usage: TorchSharpPeer step gpt|llama S|M|L|L64 STEPS     one line with tokens/s and peak RSS
//        TorchSharpPeer gemm FORM,M,N,K ...                one line a product with GFLOP/s
using System.Diagnostics;
using TorchSharp;
using TorchSharpPeer;
using static TorchSharp.torch;

torch.random.manual_seed(1337);
if (args[0] == "step") Step(args[1], ModelSize.Named[args[2]], args[2], int.Parse(args[3]));
else Products(args[1..]);

static void Step(string kind, ModelSize size, string config, int steps)
{
    const int warmUp = 3;
    var model = new Model(kind, size);
    var optimizer = optim.AdamW(model.parameters(), lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.1);
    int n = size.Batch * size.Context;
    long[] data = Stream((steps + warmUp) * n + 1, Math.Min(size.Vocabulary, 64));
    List<double> times = [], losses = [];
    for (int i = 0; i < steps + warmUp; i++)
    {
        using var scope = NewDisposeScope();
        long start = Stopwatch.GetTimestamp();
        var ids = tensor(data[(i * n)..((i + 1) * n)]).view(size.Batch, size.Context);
        var targets = tensor(data[(i * n + 1)..((i + 1) * n + 1)]).view(size.Batch, size.Context);
        var loss = model.forward(ids, targets);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        losses.Add(loss.item<float>());
        times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    times = [.. times.Skip(warmUp).Order()];
    double count = model.parameters().Sum(p => p.numel()) / 1e6;
    Console.WriteLine($"torchsharp {__version__} {kind} {config} params {count:F3}M loss {losses[warmUp]:F4} to {losses[^1]:F4} "
        + $"| tokens/s median {n / times[times.Count / 2]:F0} best {n / times[0]:F0} | peak RSS {PeakMebibytes()} MiB");
}

static void Products(string[] shapes)
{
    Console.WriteLine($"torchsharp {__version__}");
    foreach (string shape in shapes)
    {
        using var scope = NewDisposeScope();
        string[] parts = shape.Split(',');
        long m = long.Parse(parts[1]), n = long.Parse(parts[2]), k = long.Parse(parts[3]);
        var a = parts[0][0] == 'T' ? full(k, m, 0.5f).t() : full(m, k, 0.5f);
        var b = parts[0][1] == 'T' ? full(n, k, 0.5f).t() : full(k, n, 0.5f);
        double best = double.MaxValue;
        for (long begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin).TotalSeconds < 0.1;)
        {
            long start = Stopwatch.GetTimestamp();
            using var c = a.matmul(b);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        Console.WriteLine($"{shape} {2e-9 * m * n * k / best:F1}");
    }
}

static long[] Stream(int length, int symbols)
{
    var tokens = new long[length];
    long state = 12345, last = 1;
    for (int i = 0; i < length; i++)
    {
        state = state * 1103515245 + 12345 & 0x7FFFFFFF;
        tokens[i] = last = (5 * last + 7 + (state >> 16 & 3)) % symbols;
    }

    return tokens;
}

static long PeakMebibytes()
{
    string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
    return long.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1]) / 1024;
}
