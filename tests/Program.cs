using System.Globalization;
using Xunit.Runner.InProc.SystemConsole;

namespace Mayfly.Tests;

/// <summary>
/// What the test assembly does when it is run by itself: all tests; or the part of a test that needs a process of its own; or a run killed
/// at N random moments (<c>kill N SEED</c>), or N times while it sets another aside (<c>aside N SEED</c>); or N runs of
/// which a rank is killed (<c>ranks N SEED [MPIRUN]</c>); or N pairs of runs started in
/// one folder (<c>twins N</c>); or a run of which each request to the disk fails (<c>disk</c>); or N damaged files of every format
/// (<c>fuzz N SEED [FORMAT]</c>, one of which <c>mutant FORMAT SEED NUMBER FILE</c> writes), of tokenizers and of GGUF
/// (<c>fuzz-models N SEED</c>); or N steps of changing shapes (<c>soak N</c>), a fault at each place of a step (<c>faults</c>),
/// deliberate faults in the code (<c>mutants</c>); or docs/ops.md or docs/api printed anew (<c>ops</c>, <c>api</c>);
/// or what the GPU kernels' PTX has (<c>ptx</c>), which <c>ptx FOLDER</c> writes, or all trainings on a device compared with the CPU's
/// (<c>gputrain DEVICE STEPS</c>).
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        try
        {
            if (args is ["width"]) return WidthProbe.Run();
            if (args is ["inference"]) return InferenceMemoryTests.Call(10_000);
            if (args is ["outside" or "outside-shared"]) return IlgpuPromiseTests.RunOutside(isShared: args[0] != "outside");
            if (args is ["kill", var moments, var seed]) return Say(KilledRun.Check(Number(moments), Number(seed)));
            if (args is ["aside", var times, var start]) return Say(KilledRun.CheckSettingAside(Number(times), Number(start)));
            if (args is ["ranks", var ends, var from, .. var launcher])
                return Say(KilledRanks.Check(Number(ends), Number(from), launcher.FirstOrDefault("mpirun")));
            if (args is ["twins", var pairs]) return Say(TwinRuns.Check(Number(pairs)));
            if (args is ["replace", var path]) return Replace(path);
            if (args is ["disk"]) return Say(RunFaultTests.CheckAll());
            if (args is ["mutant", var format, var its, var number, var target])
                return FuzzRun.Write(format, Number(its), Number(number), target);
            if (args is ["fuzz", var count, var first, .. var only])
                return FuzzRun.Print(Number(count), Number(first), only.FirstOrDefault());
            if (args is ["soak", var steps]) return Say(Soak.Run(Number(steps), Console.Out));
            if (args is ["faults"]) return Say(Faults.Run(RuleTable.Lines, Console.Out));
            if (args is ["mutants", .. var numbers]) return Mutants.Run(numbers, Console.Out);
            if (args is ["fuzz-models", var rounds, var begin]) return Fuzz(Number(rounds), Number(begin));
            if (args is ["ops"]) return PrintOps();
            if (args is ["api"]) return PrintApi();
            if (args is ["ptx"]) return PtxTable.Print();
            if (args is ["ptx", var folder]) return PtxTable.Write(folder);
            if (args is ["gputrain", var gpu, var many]) return Compare(gpu, Number(many));
            return await ConsoleRunner.Run(args);
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
        }

        return 1;
    }

    private static int Fuzz(int rounds, int seed)
    {
        TokenizerFuzz.Run(seed, rounds);
        GgufTests.Fuzz(seed, rounds);
        return 0;
    }

    private static int PrintApi()
    {
        Directory.CreateDirectory(ApiPages.Folder);
        foreach (var (file, text) in ApiPages.Print()) File.WriteAllText(Path.Combine(ApiPages.Folder, file), text);
        return 0;
    }

    private static int PrintOps()
    {
        File.WriteAllText(OpsPage.File, OpsPage.Print());
        return 0;
    }

    private static int Compare(string name, int steps)
    {
        using var device = Device.Open(name);
        var check = new TrainGpt.DeviceCheck(device, steps, Console.Out);
        bool agrees = check.Run(TrainGpt.DeviceCheck.All, TimeSpan.FromDays(1));
        Console.WriteLine($"the largest difference is {check.Worst:E1}");
        return agrees ? 0 : 1;
    }

    private static int Replace(string path)
    {
        Files.Replace(path, stream => stream.WriteByte(0));
        return 0;
    }

    private static int Say(string result)
    {
        Console.WriteLine(result);
        return 0;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
