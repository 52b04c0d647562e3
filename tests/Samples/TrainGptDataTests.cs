using System.Runtime.InteropServices;
using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>The kinds of data that TrainGpt reads, and runs that a configuration file sets.</summary>
public class TrainGptDataTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Fact]
    public void A_file_of_ids_trains_evaluates_and_generates_ids()
    {
        string data = Bin("ids.bin", 3000, 50);
        string output = TrainGptRun.Good(run.TrainOn(data, "bin"));
        Assert.Contains("3,000 tokens, a vocabulary of 50.", output);
        Assert.Contains(TrainGptRun.Good("evaluate", "--out", run.File("bin")), output);
        Assert.Matches(@"^7 8 (\d+ ){10}\n$", TrainGptRun.Good("generate", "--out", run.File("bin"), "--prompt", "7 8", "--tokens", "10"));
    }

    [Fact]
    public void Shards_train_as_one_file()
    {
        byte[] ids = File.ReadAllBytes(Bin("whole.bin", 3000, 50));
        Directory.CreateDirectory(run.File("shards"));
        File.WriteAllBytes(run.File("shards", "1.bin"), ids[..1000]);
        File.WriteAllBytes(run.File("shards", "2.bin"), ids[1000..]);
        string[] found = [.. new[] { "whole.bin", "shards", "shards/*.bin" }.Select((data, i) =>
        {
            TrainGptRun.Good(run.TrainOn(run.File(data), $"sharded{i}", "--steps", "3"));
            return File.ReadLines(run.File($"sharded{i}", "log.csv")).Last().Split(',')[1];
        })];
        Assert.Single(found.Distinct());
    }

    [Fact]
    public void A_vocabulary_can_be_larger_than_the_ids_and_not_smaller()
    {
        string data = Bin("small.bin", 3000, 50);
        Assert.Contains("a vocabulary of 64.", TrainGptRun.Good(run.TrainOn(data, "larger", "--vocabulary", "64")));
        Fails("has the id 49, beyond the vocabulary of 40", run.TrainOn(data, "smaller", "--vocabulary", "40"));
        Fails("--vocabulary 40 is for files of ids", run.Train("smaller", "--vocabulary", "40"));
    }

    [Fact]
    public void Ids_with_a_known_tokenizer_generate_text()
    {
        new CharTokenizer(TrainGptRun.Text(2000)).Save(run.File("t.json"));
        TrainGptRun.Good(run.TrainOn(Bin("chars.bin", 3000, 10), "known", "--tokenizer", run.File("t.json")));
        Assert.Equal(7 + 20 + 1, TrainGptRun.Good("generate", "--out", run.File("known"), "--prompt", "the cat", "--tokens", "20").Length);
    }

    [Fact]
    public void Json_lines_and_validation_data_of_their_own()
    {
        string documents = string.Concat(Enumerable.Range(0, 40).Select(i =>
            JsonSerializer.Serialize(new { text = TrainGptRun.Text(100 + i) }) + "\n"));
        string data = run.Write("documents.jsonl", documents), validation = run.Write("validation.txt", TrainGptRun.Text(700));
        string output = TrainGptRun.Good(run.TrainOn(data, "lines", "--validation", validation));
        const int Characters = 40 * 100 + 39 * 40 / 2 + 40; // one separator a document
        Assert.Contains($" {Characters:N0} characters; validated on '{validation}', 700 characters, ", output);
        Assert.Contains(TrainGptRun.Good("evaluate", "--out", run.File("lines")), output);
        Fails("line 2", run.TrainOn(run.Write("bad.jsonl", "{\"text\":\"a\"}\n{}"), "never"));
    }

    [Fact]
    public void The_written_configuration_repeats_the_run_to_the_bit()
    {
        TrainGptRun.Good(run.Train("first", "--dropout", "0.1", "--accumulate", "2", "--clip", "0.5", "--beta2", "0.95", "--seed",
            "18446744073709551615", "--checkpoint-blocks"));
        TrainGptRun.Good("train", "--config", run.File("first", "config.json"), "--out", run.File("repeated"));
        foreach (string name in new[] { Snapshot.FileName, Snapshot.PreviousFileName, "config.json" })
            Assert.Equal(File.ReadAllBytes(run.File("first", name)), File.ReadAllBytes(run.File("repeated", name)));
    }

    [Fact]
    public void The_command_line_comes_before_the_configuration()
    {
        TrainGptRun.Good("--config", Path.Combine(run.Trained, "config.json"), "--out", run.File("short"), "--steps", "3");
        Assert.Equal(4, File.ReadAllLines(run.File("short", "log.csv")).Length);
        Assert.Contains("\"steps\": 3", File.ReadAllText(run.File("short", "config.json")));
    }

    [Theory]
    [InlineData("{\"layer\": 1}", "layer: there is no such option")]
    [InlineData("{\"layers\": \"many\"}", "'many' is not a whole number")]
    [InlineData("{\"layers\": [1]}", "layers: [1] is no number")]
    [InlineData("{\"mode\": \"lazy\"}", "lazy")]
    [InlineData("{\"layers\": 0}", "--layers 0 is out of range")]
    [InlineData("[]", "a JSON object is needed")]
    [InlineData("{", "it is no JSON of settings")]
    [InlineData("{\"layers\": 1, \"layers\": 2}", "it is no JSON of settings")]
    [InlineData("{\"model\": \"\\ud800\"}", "model: ")]
    [InlineData("{\"steps\": null}", "steps: null is no number")]
    [InlineData("{\"config\": \"a.json\"}", "config: there is no such option")]
    public void A_bad_configuration_is_said(string json, string message) =>
        Fails(message, ["train", "--out", run.File("never"), "--config", run.Write("bad.json", json)]);

    [Fact]
    public void A_missing_configuration_is_said() => Fails("Cannot read", ["train", "--config", run.File("missing.json")]);

    private void Fails(string message, string[] args)
    {
        var (code, _, errors) = TrainGptRun.Run(args);
        Assert.Contains(message, errors);
        Assert.Equal(1, code);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
        Assert.False(Directory.Exists(run.File("never")));
    }

    private string Bin(string name, int count, int vocabulary)
    {
        var random = new Random(2);
        var ids = new ushort[count];
        for (int i = 0; i < count; i++) ids[i] = (ushort)(i < vocabulary ? i : (ids[i - 1] + random.Next(3)) % vocabulary);
        File.WriteAllBytes(run.File(name), MemoryMarshal.AsBytes<ushort>(ids).ToArray());
        return run.File(name);
    }
}
