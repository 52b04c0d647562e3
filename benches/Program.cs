using System.CommandLine;
using Mayfly.Benches;

var root = new RootCommand("Mayfly's benchmarks. Compare ratios of one run: times of a shared machine mean little by themselves.")
{
    StepCommand(),
    RooflineCommand(),
    RankCommand(),
    RulesCommand(),
    StoredCommand(),
    KernelCommand("gemm", "matrix products of transformer shapes, beside the machine's FMA peak", GemmBench.Run),
    KernelCommand("loops", "element-wise, row and update loops beside hand-written ones", LoopBench.Run),
    KernelCommand("attention", "attention forward and backward beside products per head", AttentionBench.Run),
    KernelCommand("kernels", "the same kernels under BenchmarkDotNet; its options follow", KernelBenchmarks.Run),
};
return root.Parse(args).Invoke();

static Command KernelCommand(string name, string description, Func<string[], int> run)
{
    var rest = new Argument<string[]>("options") { Arity = ArgumentArity.ZeroOrMore, Description = "options of the benchmark" };
    var command = new Command(name, description) { rest };
    command.TreatUnmatchedTokensAsErrors = false;
    command.SetAction(parsed => run([.. parsed.GetValue(rest) ?? [], .. parsed.UnmatchedTokens]));
    return command;
}

static Command StepCommand()
{
    var model = new Option<string>("--model") { Description = "gpt or llama", DefaultValueFactory = _ => "gpt" };
    var config = new Option<string>("--config") { Description = "S, M, L or L64", DefaultValueFactory = _ => "S" };
    var steps = new Option<int>("--steps") { Description = "timed steps, after three that are not", DefaultValueFactory = _ => 20 };
    var mode = new Option<string>("--mode") { Description = "eager: each weight is stepped inside the sweep; deferred: after it",
        DefaultValueFactory = _ => "eager" };
    var threads = new Option<int>("--threads") { Description = "0 takes every core", DefaultValueFactory = _ => 0 };
    var seed = new Option<ulong>("--seed") { Description = "of the initial weights", DefaultValueFactory = _ => 1337 };
    var command = new Command("step", "whole training steps of a GPT or a Llama at fixed sizes on a fixed token stream") { model, config,
        steps, mode, threads, seed };
    command.SetAction(p => StepBench.Run(p.GetValue(model)!, p.GetValue(config)!, p.GetValue(steps), p.GetValue(mode)!, p.GetValue(threads),
        p.GetValue(seed)));
    return command;
}

static Command StoredCommand()
{
    var data = new Option<string>("--data") { Description = "a text file", Required = true };
    var steps = new Option<int>("--steps") { Description = "of each run", DefaultValueFactory = _ => 2000 };
    var command = new Command("stored", "the loss of one model with weights, states and gradients stored in f32, bf16 and int8") { data,
        steps };
    command.SetAction(p => StoredBench.Run(p.GetValue(data)!, p.GetValue(steps)));
    return command;
}

static Command RooflineCommand()
{
    var config = new Option<string>("--config") { Description = "S, M, L or L64", DefaultValueFactory = _ => "S" };
    var command = new Command("roofline", "bytes and operations of a training step of a GPT, kernel by kernel, "
        + "and the least time for them on two GPUs") { config };
    command.SetAction(p => RooflineBench.Run(p.GetValue(config)!));
    return command;
}

static Command RankCommand()
{
    var data = new Option<string>("--data") { Description = "a text file; the learning rates were found on Tiny Shakespeare",
        Required = true };
    var seeds = new Option<int>("--seeds") { Description = "runs of each optimizer", DefaultValueFactory = _ => 3 };
    var command = new Command("rank", "all optimizers on one small task: validation loss and steps to a training loss of 2.3") { data,
        seeds };
    command.SetAction(p => RankBench.Run(p.GetValue(data)!, p.GetValue(seeds)));
    return command;
}

static Command RulesCommand()
{
    var rounds = new Option<int>("--rounds") { Description = "timed rounds of each rule", DefaultValueFactory = _ => 7 };
    var threads = new Option<int>("--threads") { Description = "0 takes every core", DefaultValueFactory = _ => 0 };
    var only = new Option<string>("--only") { Description = "rules whose name contains this", DefaultValueFactory = _ => "" };
    var command = new Command("rules", "each rule's step over the parameters of GPT-2 124M beside the bytes it must move, "
        + "and Muon beside its arithmetic") { rounds, threads, only };
    command.SetAction(p => RulesBench.Run(p.GetValue(rounds), p.GetValue(threads), p.GetValue(only)!));
    return command;
}
