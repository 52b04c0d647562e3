using System.CommandLine;
using Mayfly.Benches;

var root = new RootCommand("Mayfly's benchmarks. Compare ratios of one run: times of a shared machine mean little by themselves.")
{
    StepCommand(),
    PeersCommand(),
    RooflineCommand(),
    GpuCommand(),
    RankCommand(),
    RulesCommand(),
    StoredCommand(),
    TokenizersCommand(),
    MemoryCommand(),
    LargeCommand(),
    DistributedCommand(),
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
    var profile = new Option<bool>("--profile") { Description = "the time of each kernel, beside the machine's limits in this run" };
    var device = DeviceOption("cpu");
    var readEvery = new Option<int>("--read-every") { Description = "steps between readings of loss and norms",
        DefaultValueFactory = _ => 1 };
    var clip = new Option<double>("--clip") { Description = "the largest norm of all gradients; 0 does not clip, deferred only",
        DefaultValueFactory = _ => 0 };
    var command = new Command("step", "whole training steps of a GPT or a Llama at fixed sizes on a fixed token stream") { model, config,
        steps, mode, threads, seed, profile, device, readEvery, clip };
    command.SetAction(p => StepBench.Run(new(p.GetValue(model)!, p.GetValue(config)!, p.GetValue(steps), p.GetValue(mode)!)
    {
        Threads = p.GetValue(threads), Seed = p.GetValue(seed), Profile = p.GetValue(profile), Device = p.GetValue(device)!,
        ReadEvery = p.GetValue(readEvery), Clip = p.GetValue(clip),
    }));
    return command;
}

static Option<string> DeviceOption(string usual) =>
    new("--device") { Description = "cpu, cuda:0, opencl:0 or ilgpu-cpu", DefaultValueFactory = _ => usual };

static Command GpuCommand()
{
    var device = DeviceOption("cuda:0");
    var configs = new Option<string[]>("--config") { Description = "any of S, M and L", DefaultValueFactory = _ => ["S", "M", "L"],
        AllowMultipleArgumentsPerToken = true };
    var command = new Command("gpu", "what a card does: steps with their launches and waits, and matrix products; within ten minutes") {
        device, configs };
    command.SetAction(p => GpuBench.Run(p.GetValue(device)!, p.GetValue(configs)!));
    return command;
}

static Command PeersCommand()
{
    var models = new Option<string[]>("--model") { Description = "gpt, llama or both", DefaultValueFactory = _ => ["gpt", "llama"],
        AllowMultipleArgumentsPerToken = true };
    var configs = new Option<string[]>("--config") { Description = "any of S, M, L64 and L",
        DefaultValueFactory = _ => ["S", "M", "L64", "L"], AllowMultipleArgumentsPerToken = true };
    var rounds = new Option<int>("--rounds") { Description = "processes of each engine and size", DefaultValueFactory = _ => 3 };
    var steps = new Option<int>("--steps") { Description = "timed steps at S; larger sizes take fewer", DefaultValueFactory = _ => 80 };
    var python = new Option<string>("--python") { Description = "the command of a Python with PyTorch",
        DefaultValueFactory = _ => "python3" };
    var torchSharp = new Option<string>("--torchsharp") { Description = "the command of benches/peers/TorchSharp, built",
        DefaultValueFactory = _ => "" };
    var prefix = new Option<string>("--prefix") { Description = "goes before this folder's path for Python: a chroot has another root",
        DefaultValueFactory = _ => "" };
    var narrow = new Option<bool>("--narrow") { Description = "limits every engine to vectors of 256 bits" };
    var products = new Option<bool>("--products") { Description = "compares the matrix products of the steps instead of the steps" };
    var command = new Command("peers", "step beside the same work in PyTorch and TorchSharp, one after the other, as ratios") { models,
        configs, rounds, steps, python, torchSharp, prefix, narrow, products };
    command.SetAction(p => PeersBench.Run(new(p.GetValue(models)!, p.GetValue(configs)!, p.GetValue(rounds), p.GetValue(steps),
        p.GetValue(python)!, p.GetValue(torchSharp)!, p.GetValue(prefix)!, p.GetValue(narrow), p.GetValue(products))));
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

static Command TokenizersCommand()
{
    var data = new Option<string>("--data") { Description = "a text file", Required = true };
    var rounds = new Option<int>("--rounds") { Description = "timed rounds of each", DefaultValueFactory = _ => 5 };
    var command = new Command("tokenizers", "text to ids on one core, beside Microsoft.ML.Tokenizers, and learning a vocabulary") { data,
        rounds };
    command.SetAction(p => TokenizerBench.Run(p.GetValue(data)!, p.GetValue(rounds)));
    return command;
}

static Command MemoryCommand()
{
    var models = new Option<string>("--models") { Description = "S, M, L64 or published models, by commas",
        DefaultValueFactory = _ => "S,M,L64,llama-60m" };
    var rules = new Option<string>("--rules") { Description = "recipes by commas; all without", DefaultValueFactory = _ => "" };
    var modes = new Option<string>("--modes") { Description = "eager, deferred or both", DefaultValueFactory = _ => "eager,deferred" };
    var policies = new Option<string>("--checkpoints") { Description = "policies by commas; none,all,sqrt without",
        DefaultValueFactory = _ => "" };
    var context = new Option<int>("--context") { Description = "tokens of a published model's step", DefaultValueFactory = _ => 64 };
    var command = new Command("memory", "what a step was planned to take beside what it takes, to the byte; with one case alone the "
        + "resident memory too") { models, rules, modes, policies, context };
    command.SetAction(p => MemoryBench.Run(p.GetValue(models)!, p.GetValue(rules)!, p.GetValue(modes)!, p.GetValue(policies)!,
        p.GetValue(context)));
    return command;
}

static Command LargeCommand()
{
    var model = new Option<string>("--model") { Description = "a published model", DefaultValueFactory = _ => "llama-7b" };
    var data = new Option<string>("--data") { Description = "a text file, of whose first bytes the batch is", Required = true };
    var rule = new Option<string>("--rule") { Description = "a recipe", DefaultValueFactory = _ => "adalomo" };
    var weights = new Option<DType>("--dtype") { Description = "F32, BF16 or Int8", DefaultValueFactory = _ => DType.BF16 };
    var states = new Option<DType>("--state-dtype") { Description = "F32 or BF16", DefaultValueFactory = _ => DType.F32 };
    var rate = new Option<double?>("--learning-rate") { Description = "the recipe's without" };
    var context = new Option<int>("--context") { Description = "tokens of the batch", DefaultValueFactory = _ => 64 };
    var vocabulary = new Option<int?>("--vocabulary") { Description = "ids of the model; the published ones without" };
    var steps = new Option<int>("--steps") { Description = "all on one batch", DefaultValueFactory = _ => 5 };
    var resident = new Option<double?>("--resident") { Description = "GiB of the process, with weights and state in a working file" };
    var folder = new Option<string>("--stream-folder") { Description = "where that file is", DefaultValueFactory = _ => "." };
    var command = new Command("large", "eager steps of a large model on one batch: losses, seconds and resident memory") { model, data,
        rule, weights, states, rate, context, vocabulary, steps, resident, folder };
    command.SetAction(p => new LargeBench
    {
        Model = p.GetValue(model)!, Data = p.GetValue(data)!, Rule = p.GetValue(rule)!, Weights = p.GetValue(weights),
        States = p.GetValue(states), LearningRate = p.GetValue(rate), Context = p.GetValue(context), Vocabulary = p.GetValue(vocabulary),
        Steps = p.GetValue(steps), ResidentGiB = p.GetValue(resident), Folder = p.GetValue(folder)!,
    }.Run());
    return command;
}

static Command DistributedCommand()
{
    var config = new Option<string>("--config") { Description = "S, M, L or L64", DefaultValueFactory = _ => "S" };
    var steps = new Option<int>("--steps") { Description = "timed steps, after three that are not", DefaultValueFactory = _ => 20 };
    var threads = new Option<int>("--threads") { Description = "of each rank; 0 takes every core", DefaultValueFactory = _ => 1 };
    var command = new Command("distributed", "under mpirun -n N: steps on several ranks, and what of their traffic is hidden") { config,
        steps, threads };
    command.SetAction(p => DistributedBench.Run(p.GetValue(config)!, p.GetValue(steps), p.GetValue(threads)));
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
