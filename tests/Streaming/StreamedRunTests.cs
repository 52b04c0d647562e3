using System.Diagnostics;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>What <c>--resident</c> does, by the command line.</summary>
public class StreamedRunTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private const int PatienceMilliseconds = 120_000;

    private static readonly string[] Shape = ["--layers", "2", "--width", "128", "--mode", "eager", "--clip", "0", "--threads", "1"];

    /// <summary>Weights and state of 4.8 MB, in blocks and buffers of 3.5 MiB with all else.</summary>
    private static readonly string[] Streamed = [.. Shape, "--resident", "91.5MiB"];

    [Fact]
    public void A_streamed_run_saves_the_bits_of_one_in_memory()
    {
        TrainGptRun.Good(run.Train("plain", Shape));
        string output = TrainGptRun.Good(run.Train("streamed", [.. Streamed, "--stream-folder", run.File("fast disk")]));
        Assert.Matches(@"\nMemory: 3\.\d\d MiB at the peak of a step: .*, buffers of the \d\.\d\d MiB in the working file \d\.\d\d MiB; ",
            output);
        Assert.Equal(File.ReadAllBytes(run.File("plain", Snapshot.FileName)), File.ReadAllBytes(run.File("streamed", Snapshot.FileName)));
        Assert.Empty(Directory.GetFiles(run.File("fast disk")));
    }

    /// <summary>The working file of a killed run is no snapshot, and the run goes on by itself from its last one.</summary>
    [Fact]
    public void A_killed_run_goes_on_from_its_snapshot()
    {
        TrainGptRun.Good(run.Train("straight", [.. Shape, "--steps", "40", "--save-every", "10"]));
        string[] asked = run.Train("killed", [.. Streamed, "--steps", "40", "--save-every", "10"]);
        using (var child = TrainGptProcess.Start(asked))
        {
            var patience = Stopwatch.StartNew();
            string log = run.File("killed", "log.csv");
            while (!(File.Exists(log) && Lines(log) > 12) && !child.HasExited && patience.ElapsedMilliseconds < PatienceMilliseconds)
                Thread.Sleep(1);
            child.Kill();
            child.WaitForExit();
        }

        string file = run.File("killed", WorkingFile.Name);
        bool wasKilled = File.Exists(file); // not where it was faster
        if (wasKilled) TrainGptRun.Good("train", "--resume", "--out", run.File("killed"));
        Assert.False(File.Exists(file));
        foreach (string name in (string[])[Snapshot.FileName, "log.csv"])
            Assert.Equal(Without(run.File("straight", name)), Without(run.File("killed", name)));
    }

    [Theory]
    [InlineData("--resident 90MiB --device ilgpu-cpu", "--resident streams weights to the memory of the CPU, not to ilgpu-cpu; ")]
    [InlineData("--resident many", "--resident many: give bytes, such as 4GiB or 512MiB; units are ")]
    [InlineData("--resident 1MiB", "--resident 1MiB: the runtime alone takes 88.00 MiB; give more.")]
    [InlineData("--resident 88.1MiB --width 256", "--resident 88.1MiB: a step takes 9")]
    [InlineData("--stream-folder x", "--stream-folder is where the working file of --resident is; give that too, or leave it out.")]
    public void What_cannot_be_is_one_line(string options, string message)
    {
        var (code, _, errors) = TrainGptRun.Run(run.Train("never", options.Split(' ')));
        Assert.Equal(1, code);
        Assert.StartsWith($"error: {message}", errors);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
        Assert.False(Directory.Exists(run.File("never")));
    }

    [Fact]
    public void A_file_that_is_in_the_way_stays()
    {
        string other = run.Write(Path.Combine("way", WorkingFile.Name), "precious");
        var (code, _, errors) = TrainGptRun.Run(run.Train("way", Streamed));
        Assert.Equal(1, code);
        Assert.Contains("it is another file already", errors);
        Assert.Equal("precious", File.ReadAllText(other));
    }

    [Fact]
    public void Plans_know_what_a_step_moves()
    {
        string output = TrainGptRun.Good("plan", "--model", "llama-1b", "--batch", "1", "--context", "64", "--mode", "eager", "--optimizer",
            "adalomo", "--checkpoint-blocks", "--dtype", "bf16", "--resident", "1.5GiB");
        Assert.Matches(@"The working file: 2\.49 GiB of weights and state; a step reads \d\.\d\d GiB of it and writes 2\.49 GiB\.", output);
        Assert.Matches(@"Resident memory: about 1\.[345]\d GiB", output);
    }

    private static int Lines(string log)
    {
        using var stream = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return new StreamReader(stream).ReadToEnd().Count(c => c == '\n');
    }

    /// <summary>The bytes of a snapshot; of a log the losses, without speeds and bytes in use.</summary>
    private static string Without(string file) => file.EndsWith(".csv", StringComparison.Ordinal)
        ? string.Join('\n', File.ReadLines(file).Select(line => string.Join(',', line.Split(',')[..2])))
        : Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)));
}
