using System.Globalization;
using Xunit.Runner.InProc.SystemConsole;

namespace Mayfly.Tests;

/// <summary>
/// What the test assembly does when it is run by itself: all tests; or the part of a test that needs a process of its own; or a run killed
/// at N random moments (<c>kill N SEED</c>); or N steps of changing shapes (<c>soak N</c>), a fault at each place of a step
/// (<c>faults</c>), deliberate faults in the code (<c>mutants</c>); or docs/ops.md printed anew (<c>ops</c>); or what the GPU kernels' PTX
/// has (<c>ptx</c>).
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        try
        {
            if (args is ["width"]) return WidthProbe.Run();
            if (args is ["outside" or "outside-shared"]) return IlgpuPromiseTests.RunOutside(isShared: args[0] != "outside");
            if (args is ["kill", var moments, var seed])
                return Kill(int.Parse(moments, CultureInfo.InvariantCulture), int.Parse(seed, CultureInfo.InvariantCulture));
            if (args is ["soak", var count]) return Say(Soak.Run(int.Parse(count, CultureInfo.InvariantCulture), Console.Out));
            if (args is ["faults"]) return Say(Faults.Run(RuleTable.Lines, Console.Out));
            if (args is ["mutants", .. var numbers]) return Mutants.Run(numbers, Console.Out);
            if (args is ["ops"]) return PrintOps();
            if (args is ["ptx"]) return PtxTable.Print();
            return await ConsoleRunner.Run(args);
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
        }

        return 1;
    }

    private static int PrintOps()
    {
        File.WriteAllText(OpsPage.File, OpsPage.Print());
        return 0;
    }

    private static int Say(string result)
    {
        Console.WriteLine(result);
        return 0;
    }

    private static int Kill(int moments, int seed)
    {
        Console.WriteLine(KilledRun.Check(moments, seed));
        return 0;
    }
}
