namespace Mayfly.Benches;

/// <summary>
/// GFLOP/s of the matrix product at transformer shapes, on one and two threads, beside the peak of fused multiply-adds in the same run.
/// </summary>
public static unsafe class GemmBench
{
    /// <summary>
    /// A linear layer of <c>Outputs</c> by <c>Inputs</c> on <c>Tokens</c> rows; it multiplies forward, and backward for input and weight.
    /// </summary>
    private sealed record Layer(string Size, int Tokens, int Outputs, int Inputs);

    private static readonly Layer[] Layers =
    [
        new("S", 768, 384, 128), new("S", 768, 128, 128), new("S", 768, 512, 128), new("S", 768, 128, 512), new("S", 768, 65, 128),
        new("M", 1024, 1152, 384), new("M", 1024, 1536, 384), new("M", 1024, 384, 1536),
        new("L", 1024, 2304, 768), new("L", 1024, 3072, 768), new("L", 1024, 768, 3072), new("X", 1024, 50304, 768),
    ];

    private static readonly string[] Forms = ["NT", "NN", "TN"];

    /// <summary>Every product of the layers above, in the form "NT,768,384,128".</summary>
    public static string[] Products => [.. from layer in Layers from form in Forms select Name(form, Sizes(layer, form))];

    /// <summary>
    /// Runs the products named in <paramref name="args"/> on all cores, one line each; or the sizes named there (S, M, L, or X for a
    /// large vocabulary; S, M and L if none), a number gives the rounds.
    /// </summary>
    public static int Run(string[] args)
    {
        if (args.Any(a => a.Contains(','))) return Rates(args);
        int rounds = args.Select(a => int.TryParse(a, out int n) ? n : 0).Append(0).Max();
        string[] sizes = args.Where(a => !int.TryParse(a, out _)).DefaultIfEmpty("SML").ToArray();
        using Backend one = CpuBackends.Create(1), two = CpuBackends.Create(2);
        using Workers single = new(1), pair = new(2);
        Console.WriteLine($"{one.Name} and {two.Name}; GFLOP/s, median and best of interleaved rounds, best peak of fused multiply-adds");
        Console.WriteLine($"{"form (M, N, K)",-24}{"1 thread",10}{"best",8}{"peak",8}{"",6}{"2 threads",11}{"best",8}{"peak",8}");
        foreach (var layer in Layers.Where(l => sizes.Any(s => s.Contains(l.Size, StringComparison.OrdinalIgnoreCase))))
        {
            foreach (string form in Forms) Print(layer, form, one, two, single, pair, rounds == 0 ? 7 : rounds);
        }

        return 0;
    }

    private static int Rates(string[] products)
    {
        using var backend = CpuBackends.Create();
        Console.WriteLine(backend.Name);
        foreach (string product in products)
        {
            string[] words = product.Split(',');
            var (m, n, k) = (int.Parse(words[1]), int.Parse(words[2]), int.Parse(words[3]));
            View a = Matrix(backend, m, k, words[0][0] == 'T'), b = Matrix(backend, k, n, words[0][1] == 'T');
            var c = Matrix(backend, m, n, false);
            var gemm = new Gemm<Identity> { A = a, B = b, C = c };
            double rate = Enumerable.Range(0, 10).Max(_ => Limits.Rate(2.0 * m * n * k, () => backend.Run(gemm)));
            Console.WriteLine($"{product} {rate:F1}");
            foreach (var view in new[] { a, b, c }) backend.Free(view.Block!);
        }

        return 0;
    }

    private static string Name(string form, (int M, int N, int K) s) => $"{form},{s.M},{s.N},{s.K}";

    private static (int M, int N, int K) Sizes(Layer layer, string form) => form switch
    {
        "NT" => (layer.Tokens, layer.Outputs, layer.Inputs),
        "NN" => (layer.Tokens, layer.Inputs, layer.Outputs),
        _ => (layer.Outputs, layer.Inputs, layer.Tokens),
    };

    private static void Print(Layer layer, string form, Backend one, Backend two, Workers single, Workers pair, int rounds)
    {
        var (m, n, k) = Sizes(layer, form);
        View a = Matrix(one, m, k, form[0] == 'T'), b = Matrix(one, k, n, form[1] == 'T'), c = Matrix(one, m, n, false);
        var gemm = new Gemm<Identity> { A = a, B = b, C = c };
        double flops = 2.0 * m * n * k;
        var results = new List<double>[] { [], [], [], [] };
        for (int round = 0; round < rounds; round++)
        {
            results[0].Add(Limits.Rate(flops, () => one.Run(gemm)));
            results[1].Add(Limits.Peak(single));
            results[2].Add(Limits.Rate(flops, () => two.Run(gemm)));
            results[3].Add(Limits.Peak(pair));
        }

        double[] x = results.Select(Median).ToArray(), best = results.Select(r => r.Max()).ToArray();
        Console.WriteLine(
            $"{$"{form} ({m}, {n}, {k})",-24}{x[0],10:F1}{best[0],8:F1}{best[1],8:F1}{best[0] / best[1],6:P0}" +
            $"{x[2],11:F1}{best[2],8:F1}{best[3],8:F1}{best[2] / best[3],6:P0}");
        foreach (var view in new[] { a, b, c }) one.Free(view.Block!);
    }

    private static View Matrix(Backend backend, int rows, int columns, bool transposed)
    {
        var view = new View(backend.Allocate(4L * rows * columns), DType.F32, Layout.RowMajor((rows, columns)));
        new Span<float>(view.Floats(), checked(rows * columns)).Fill(0.5f);
        return transposed ? view.With(Layout.RowMajor((columns, rows)).Transpose(0, 1)) : view;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
