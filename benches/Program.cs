return args is [var name, .. var rest] ? Bench(name, rest) : Unknown("");

static int Bench(string name, string[] rest)
{
    switch (name)
    {
        case "loops": return LoopBench.Run(rest);
        case "gemm": return Mayfly.Benches.GemmBench.Run(rest);
        default: return Unknown(name);
    }
}

static int Unknown(string name)
{
    Console.Error.WriteLine($"benches: no benchmark '{name}'; there are: loops, gemm");
    return 1;
}
