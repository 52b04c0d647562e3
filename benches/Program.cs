return args is [var name, .. var rest] ? Bench(name, rest) : Unknown("");

static int Bench(string name, string[] rest)
{
    switch (name)
    {
        case "loops": return LoopBench.Run(rest);
        default: return Unknown(name);
    }
}

static int Unknown(string name)
{
    Console.Error.WriteLine($"benches: no benchmark '{name}'; there is: loops");
    return 1;
}
