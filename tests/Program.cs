namespace Mayfly.Tests;

/// <summary>What the test assembly does when it is run by itself: the part of a test that needs a process of its own.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        try
        {
            if (args is ["width"]) return WidthProbe.Run();
            Console.Error.WriteLine("Run the tests with dotnet test.");
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
        }

        return 1;
    }
}
