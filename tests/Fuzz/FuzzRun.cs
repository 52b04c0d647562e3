namespace Mayfly.Tests;

/// <summary>Reads mutants of formats: <c>fuzz N SEED [FORMAT]</c>.</summary>
internal static class FuzzRun
{
    private const int MostSeconds = 10, MostShown = 5;

    /// <summary>Prints a line for each format; the exit code is 1 where anything is wrong.</summary>
    public static int Print(int count, int seed, string? only)
    {
        using var formats = new FuzzFormats();
        int faults = 0;
        foreach (var format in formats.All.Where(format => only is null || format.Name == only))
        {
            var result = Run(format, count, seed, watchesTime: true);
            Console.WriteLine(result);
            foreach (string fault in result.Faults.Take(MostShown)) Console.WriteLine($"  {fault}");
            faults += result.Faults.Count;
        }

        return faults == 0 ? 0 : 1;
    }

    /// <summary>Writes a mutant to a file, to look at.</summary>
    public static int Write(string name, int seed, int number, string file)
    {
        using var formats = new FuzzFormats();
        File.WriteAllBytes(file, formats.All.Single(format => format.Name == name).Mutant(seed, number));
        return 0;
    }

    /// <summary>Reads the first mutants of a seed. One that takes too long ends the process, where that is watched.</summary>
    public static FuzzResult Run(FuzzFormat format, int count, int seed, bool watchesTime)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File(format.FileName), label = "whole";
        foreach (byte[] sample in format.Samples) // what is made once, and once only, is not the mutants'
        {
            File.WriteAllBytes(path, sample);
            var warm = new FuzzResult(format.Name);
            warm.Add(label, format, path);
            if (format.IsAccepted && warm.Accepted == 0) throw new InvalidOperationException($"{format.Name}: a whole file is refused.");
        }

        var result = new FuzzResult(format.Name);
        using var watch = new Timer(_ => Hang(label, path));
        for (int i = 0; i < count; i++)
        {
            label = $"{format.Name} {seed} {i}";
            File.WriteAllBytes(path, format.Mutant(seed, i));
            if (watchesTime) watch.Change(TimeSpan.FromSeconds(MostSeconds), Timeout.InfiniteTimeSpan);
            result.Add(label, format, path);
        }

        return result;
    }

    private static void Hang(string label, string path)
    {
        Console.Error.WriteLine($"{label} takes more than {MostSeconds} s; the file is {path}.");
        Environment.Exit(1);
    }
}
