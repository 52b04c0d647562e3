return args is [var name, .. var rest] ? Bench(name, rest) : Unknown("");

static int Bench(string name, string[] rest)
{
    switch (name)
    {
        case "attention": return Mayfly.Benches.AttentionBench.Run(rest);
        case "loops": return LoopBench.Run(rest);
        default: return Unknown(name);
    }
}

static int Unknown(string name)
{
    Console.Error.WriteLine($"benches: no benchmark '{name}'; there are: attention, loops");
    return 1;
}
