using TrainGpt;

namespace Mayfly.Tests;

/// <summary><c>train</c> on several processes, which are threads here: one result, one voice, one folder.</summary>
public sealed class TrainGptRanksTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private static readonly string[] Short = ["--steps", "4", "--evaluate-every", "2", "--evaluate-tokens", "64"];

    public static TheoryData<string> Settings { get; } =
    [
        "--mode eager --clip 0 --width 128 --heads 4",
        "--model llama --width 128 --heads 4 --optimizer apollo --norm-cap 1.01 --checkpoint-blocks all --tied true --accumulate 2",
    ];

    [Theory]
    [MemberData(nameof(Settings))]
    public void Divided_weights_give_the_snapshot_of_whole_ones_to_the_bit(string settings)
    {
        string[] more = [.. Short, .. settings.Split(' ')];
        string id = settings.Replace(' ', '_');
        Good(2, run.Train($"whole{id}", more));
        Good(2, run.Train($"shard{id}", [.. more, "--shard"]));
        Assert.Equal(Weights(run.File($"whole{id}")), Weights(run.File($"shard{id}")));
        if (settings != Settings.First()) return;
        foreach (string command in (string[])["evaluate", "generate", "report", "export --to safetensors"])
            Assert.Equal(Used(command, run.File($"whole{id}")), Used(command, run.File($"shard{id}")));
    }

    [Fact]
    public void Parts_are_set_aside_with_their_snapshots()
    {
        string[] wide = [.. Short, "--width", "128", "--heads", "4", "--shard"];
        Good(2, run.Train("aside", wide));
        Good(2, run.Train("aside", [.. wide, "--seed", "2"]));
        Assert.NotEmpty(Snapshot.PartsIn(run.File("aside", "run-1")));
        using (var old = Snapshot.Open(run.File("aside", "run-1"))) Assert.Equal((4, null), (old.Step, old.Warning));
        using (var now = Snapshot.Open(run.File("aside"))) Assert.Equal((4, null), (now.Step, now.Warning));
    }

    [Fact]
    public void A_run_whose_folder_is_moved_writes_its_parts_beside_it()
    {
        string place = run.File("moved"), other = run.File("moved-away");
        var (codes, _, errors) = Run(2, _ => run.Train("moved", [.. Short, "--width", "128", "--heads", "4", "--shard"]),
            () => Directory.Move(place, other));
        Assert.Equal([0, 0], codes);
        Assert.Matches("^warning: .*moved-rescued'\\.\n$", errors);
        using (var rescued = Snapshot.Open(place + "-rescued")) Assert.Equal((4, null), (rescued.Step, rescued.Warning));
        using (var left = Snapshot.Open(other)) Assert.Null(left.Warning);
        Assert.False(Directory.Exists(place));
    }

    [Fact]
    public void A_part_that_cannot_be_written_is_one_line_and_the_last_snapshot_stays()
    {
        string[] wide = [.. Short, "--width", "128", "--heads", "4", "--shard", "--save-every", "1"];
        var (codes, _, errors) = Run(2, _ => run.Train("full", wide), null, rank =>
            rank == 1 ? Disk.Use(new FaultyDisk(Fault.Full, 20, PlaceUnit.Request, "snapshot.")) : null);
        Assert.Equal([1, 1], codes);
        Assert.Matches("^error: rank 1: Cannot write '.*full.snapshot\\.\\d\\.1-of-2\\..*\n$", errors);
        using var snapshot = Snapshot.Open(run.File("full"));
        Assert.Null(snapshot.Warning);
        Assert.Equal(2, Snapshot.PartsIn(run.File("full")).Count(part => part.Contains($".{snapshot.Step}.", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_run_goes_on_with_another_number_of_ranks_and_comes_to_the_same_loss()
    {
        string output = Good(3, run.Train("three", Short));
        Assert.Contains("Ranks: 3 by threads of one process.", output);
        Assert.Single(output.Split('\n'), line => line.StartsWith("Model:", StringComparison.Ordinal));
        Good(1, run.Train("one", Short));
        Good(2, ["train", "--out", run.File("three"), "--resume", "--steps", "6", "--shard"]);
        Good(1, ["train", "--out", run.File("one"), "--resume", "--steps", "6"]);
        double[] three = Losses("three"), one = Losses("one");
        Assert.Equal(6, three.Length);
        Closeness.OfItself(1, 1e-5, three, one, "losses");
    }

    [Fact]
    public void A_run_of_as_many_ranks_resumes_to_the_bit()
    {
        string[] rates = ["--warm-up", "0", "--min-learning-rate", "1e-2"];
        Good(2, run.Train("straight", [.. rates, .. Short]));
        Good(2, run.Train("parts", [.. rates, "--steps", "2", "--evaluate-every", "2"]));
        Good(2, ["train", "--out", run.File("parts"), "--resume", "--steps", "4"]);
        Assert.Equal(Weights(run.File("straight")), Weights(run.File("parts")));
    }

    [Fact]
    public void Ranks_give_the_bits_of_one_process_that_takes_their_windows_one_after_the_other()
    {
        string[] same = [.. Short, "--mode", "eager", "--clip", "0.1", "--clip-mode", "previous", "--dropout", "0.1"];
        Good(3, run.Train("tree3", [.. same, "--batch", "6"]));
        Good(1, run.Train("tree1", [.. same, "--batch", "2", "--accumulate", "3", "--sums-apart"]));
        Assert.Equal(Weights(run.File("tree3")), Weights(run.File("tree1")));
    }

    [Fact]
    public void What_ranks_have_not_alike_is_one_line_that_names_it()
    {
        Assert.Equal("error: Rank 1 has seed 2, rank 0 has 1: start all with the same program, options and files.",
            Failure(rank => run.Train("other", [.. Short, "--seed", rank == 0 ? "1" : "2"])));
        string text = run.Write("other.txt", File.ReadAllText(run.Data)[..^1] + "!");
        Assert.Contains("Rank 1 has data-hash", Failure(rank => run.TrainOn(rank == 0 ? run.Data : text, "other", Short)));
        Assert.Contains("error: rank 1: ", Failure(rank => run.TrainOn(rank == 0 ? run.Data : run.File("none.txt"), "other", Short)));
        Assert.Contains("error: --batch 1: its windows are shared by 2 processes",
            Failure(_ => run.Train("other", [.. Short, "--batch", "1"])));
        Assert.False(File.Exists(run.File("other", Snapshot.FileName)));
    }

    [Fact]
    public void Programs_of_two_versions_do_not_train_together()
    {
        var (codes, _, errors) = Run(2, _ => run.Train("versions", Short), null, null, rank => $"{rank}.1.0.0");
        Assert.Equal([1, 1], codes);
        Assert.Equal("error: Rank 1 has version \"1.1.0.0\", rank 0 has \"0.1.0.0\": start all with the same program, options and files.\n",
            errors);
        Assert.False(File.Exists(run.File("versions", Snapshot.FileName)));
    }

    /// <summary>Both ranks of a launcher, in processes of their own: one of them says it.</summary>
    [Theory]
    [InlineData(0, @"^error: There is no MPI library \(/nowhere/libmpi\.so\), which Open MPI's mpirun needs: install .*\n$")]
    [InlineData(1, "^$")]
    public async Task A_missing_library_is_one_line(int rank, string message)
    {
        using var child = TrainGptProcess.Start(["train", "--data", run.Data, "--out", run.File("none")], new()
        {
            ["OMPI_COMM_WORLD_SIZE"] = "2", ["OMPI_COMM_WORLD_RANK"] = $"{rank}", ["MAYFLY_MPI"] = "/nowhere/libmpi.so",
        });
        var errors = child.StandardError.ReadToEndAsync();
        Assert.Equal("", await child.StandardOutput.ReadToEndAsync());
        await child.WaitForExitAsync();
        Assert.Matches(message, await errors);
        Assert.Equal(1, child.ExitCode);
        Assert.False(Directory.Exists(run.File("none")));
    }

    [Fact]
    public void A_plan_says_what_the_rank_that_needs_most_takes_and_sends()
    {
        string[] plan = ["plan", "--model", "gpt2-124m", "--batch", "4", "--mode", "eager", "--clip", "0"];
        string whole = TrainGptRun.Good(plan), divided = TrainGptRun.Good([.. plan, "--ranks", "4", "--shard"]);
        Assert.DoesNotContain("Ranks:", whole);
        Assert.Contains("Ranks: 4; of rank ", divided);
        Assert.True(Most(divided, "weights") < 0.5 * Most(whole, "weights"));
        Assert.True(Most(divided, "state") < 0.5 * Most(whole, "state"));
    }

    /// <summary>The exact bytes of a use in the table of a plan, its third number.</summary>
    private static double Most(string plan, string use)
    {
        string line = plan.Split('\n').First(l => l.StartsWith($"{use} ", StringComparison.Ordinal));
        return double.Parse(line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[1]);
    }

    private double[] Losses(string name) =>
        [.. File.ReadLines(run.File(name, RunLog.FileName)).Skip(1).Select(line => double.Parse(line.Split(',')[1]))];

    /// <summary>The checksums of all weights and states.</summary>
    internal static string Weights(string folder)
    {
        var sums = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in (string[])[Snapshot.FileName, .. Parts(folder)])
        {
            using var reader = SafeTensorsReader.Open(Path.Combine(folder, file));
            foreach (var (tensor, sum) in Checksums.Get(file, reader.Metadata)) sums.Add(tensor, $"{tensor} {sum:x8}");
        }

        return string.Join('\n', sums.Values);
    }

    /// <summary>The parts of the newest snapshot.</summary>
    private static IEnumerable<string> Parts(string folder)
    {
        using var newest = SafeTensorsReader.Open(Path.Combine(folder, Snapshot.FileName));
        return SnapshotParts.Of(newest).Select(part => part.File);
    }

    /// <summary>What a command writes that uses a model, without the names of its files.</summary>
    private string Used(string command, string folder)
    {
        string to = folder + ".to";
        string[] words = command.Split(' ');
        bool exports = words[0] == "export";
        string output = TrainGptRun.Good([.. words, .. exports ? (string[])["--run", folder, "--out", to] : ["--out", folder]]);
        return output.Replace(folder, "", StringComparison.Ordinal)
            + (exports ? Convert.ToHexString(File.ReadAllBytes(Path.Combine(to, "model.safetensors"))) : "");
    }

    private static string Good(int ranks, string[] args)
    {
        var (codes, output, errors) = Run(ranks, _ => args);
        Assert.Equal("", errors);
        Assert.All(codes, code => Assert.Equal(0, code));
        return output;
    }

    private static string Failure(Func<int, string[]> args)
    {
        var (codes, _, errors) = Run(2, args);
        Assert.Equal([1, 1], codes);
        return Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static (int[] Codes, string Output, string Errors) Run(
        int ranks, Func<int, string[]> args, Action? whileFirst = null, Func<int, IDisposable?>? around = null,
        Func<int, string>? version = null)
    {
        var (codes, errors) = (new int[ranks], new StringWriter());
        var output = new TrainGptRun.WatchingWriter("step 2 of 4", () => Interlocked.Exchange(ref whileFirst, null)?.Invoke());
        InProcess.Run(ranks, own =>
        {
            using var held = around?.Invoke(own.Rank);
            var context = new CommandContext(
                TextReader.Null, TextWriter.Synchronized(output), TextWriter.Synchronized(errors), new Signals()) { Join = () => own };
            codes[own.Rank] = App.Run(args(own.Rank), version is null ? context : context with { Version = version(own.Rank) });
        });
        return (codes, output.ToString(), errors.ToString());
    }
}
