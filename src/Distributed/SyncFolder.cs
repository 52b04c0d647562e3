using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>
/// A folder that all workers see, through which they exchange what they have. A file in it is whole or not there, and none changes: who
/// decides something first, names the file that says so, and all others read it.
/// </summary>
internal sealed class SyncFolder
{
    private const string Settings = "run.json", RoundName = "round-", WorkerName = "worker-", Changes = ".safetensors";
    private const string Shared = ".outer.safetensors", Join = ".join", Saved = ".saved";

    public SyncFolder(string folder)
    {
        Path = folder;
        Files.Guard($"Cannot write to the folder '{folder}'", () =>
        {
            Disk.Current.CreateFolder(folder);
            return true;
        });
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>What all workers have to have alike: the text of who came first, which may be this one.</summary>
    public string Agree(string own) => Published(In(Settings), own);

    /// <summary>Where a worker's changes of a round are.</summary>
    public string ChangesOf(int round, int worker) => In($"{Name(round)}.{Name(WorkerName, worker)}{Changes}");

    /// <summary>Where the weights after a round are, for workers that join.</summary>
    public string SharedAfter(int round) => In($"{Name(round)}{Shared}");

    /// <summary>The workers whose changes of a round are there.</summary>
    public int[] Delivered(int round) => Numbers($"{Name(round)}.{WorkerName}", Changes);

    /// <summary>What was decided of a round; null where nothing is yet.</summary>
    /// <exception cref="BadFileException">It cannot be read.</exception>
    public SyncRound? Decided(int round)
    {
        string file = In($"{Name(round)}.json");
        return File.Exists(file) ? Parse(file, Encoding.UTF8.GetString(Files.ReadBytes(file))) : null;
    }

    /// <summary>Decides a round, if nobody has done so before; what was decided.</summary>
    public SyncRound Decide(SyncRound round)
    {
        string file = In($"{Name(round.Round)}.json");
        return Parse(file, Published(file, JsonSerializer.Serialize(round)));
    }

    /// <summary>The rounds whose weights were written for others.</summary>
    public int[] SharedRounds() => Numbers(RoundName, Shared);

    /// <summary>The workers that ask to be waited for.</summary>
    public int[] Joining() => Numbers(WorkerName, Join);

    /// <summary>Asks to be waited for, or no longer.</summary>
    public void Ask(int worker, bool asks)
    {
        string file = In($"{Name(WorkerName, worker)}{Join}");
        if (!asks) Files.Delete(file);
        else if (!File.Exists(file)) Files.Replace(file, _ => { });
    }

    /// <summary>Says up to which round a worker needs nothing any more.</summary>
    public void Keep(int worker, int round) => Files.Replace(In($"{Name(WorkerName, worker)}{Saved}"),
        stream => stream.Write(Encoding.ASCII.GetBytes(round.ToString(CultureInfo.InvariantCulture))));

    /// <summary>Deletes a worker's changes that no one of some workers needs any more, and weights that newer ones replace.</summary>
    public void Clear(int worker, IEnumerable<int> others)
    {
        int kept = Math.Min(others.Select(Kept).DefaultIfEmpty(0).Min(), SharedRounds().LastOrDefault());
        foreach (int round in Numbers(RoundName, $".{Name(WorkerName, worker)}{Changes}"))
            if (round <= kept) Files.Delete(ChangesOf(round, worker));
        foreach (int round in SharedRounds().SkipLast(2)) Files.Delete(SharedAfter(round));
    }

    private int Kept(int worker)
    {
        string file = In($"{Name(WorkerName, worker)}{Saved}");
        if (!File.Exists(file)) return 0;
        return int.TryParse(Encoding.ASCII.GetString(Files.ReadBytes(file)), CultureInfo.InvariantCulture, out int round) ? round : 0;
    }

    private static SyncRound Parse(string file, string text) => BadFileException.Guard(file, "round", "it cannot be read", () =>
        JsonSerializer.Deserialize<SyncRound>(text)!);

    private static string Published(string file, string text)
    {
        byte[] own = Encoding.UTF8.GetBytes(text);
        return Files.TryPublish(file, stream => stream.Write(own)) ? text : Encoding.UTF8.GetString(Files.ReadBytes(file));
    }

    /// <summary>The numbers between two parts of files' names, in their order.</summary>
    private int[] Numbers(string before, string after) => Files.Guard($"Cannot read the folder '{Path}'", () =>
        Directory.EnumerateFiles(Path, $"{before}*{after}").Select(System.IO.Path.GetFileName)
            .Select(name => int.TryParse(name.AsSpan(before.Length, name!.Length - before.Length - after.Length), NumberStyles.None,
                CultureInfo.InvariantCulture, out int number) ? number : -1)
            .Where(number => number >= 0).Order().ToArray());

    private static string Name(int round) => Name(RoundName, round);

    private static string Name(string what, int number) => string.Create(CultureInfo.InvariantCulture, $"{what}{number:D6}");

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
