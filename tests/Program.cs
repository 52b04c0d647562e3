using System.Globalization;

namespace Mayfly.Tests;

/// <summary>What the test assembly does when it is run by itself: the part of a test that needs a process of its own.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        try
        {
            if (args is ["width"]) return WidthProbe.Run();
            if (args is ["kill", var moments, var seed]) return Kill(int.Parse(moments, CultureInfo.InvariantCulture), int.Parse(seed, CultureInfo.InvariantCulture));
            if (args is ["api"]) return Approve();
            if (args is ["ops"]) return PrintOps();
            if (args is ["ptx"]) return PtxTable.Print();
            Console.Error.WriteLine(
                "Run the tests with dotnet test; or a run killed at N random moments with: kill N SEED; or approve the public API with: api; "
                + "or print docs/ops.md anew with: ops; or print what the GPU kernels' PTX has with: ptx.");
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
        }

        return 1;
    }

    private static int Approve()
    {
        PublicApiTests.Approve();
        return 0;
    }

    private static int PrintOps()
    {
        File.WriteAllText(OpsPage.File, OpsPage.Print());
        return 0;
    }

    private static int Kill(int moments, int seed)
    {
        Console.WriteLine(KilledRun.Check(moments, seed));
        return 0;
    }
}
