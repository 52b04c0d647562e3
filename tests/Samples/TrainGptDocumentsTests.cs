using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Parquet;
using Parquet.Schema;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>Documents, chats and folders as data, by the command line: what is learned of them, and where the ids are kept.</summary>
public class TrainGptDocumentsTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    private const int Context = 16;

    /// <summary>The loss of completions as a float64 forward of each document alone gives it.</summary>
    [Fact]
    public void The_loss_of_completions_is_that_computed_by_hand()
    {
        (string Prompt, string Completion)[] pairs = [.. Enumerable.Range(0, 60).Select(i =>
            ($"{i % 10}+{i % 7}", $"={i % 10 + i % 7:D2}".PadRight(Context - 4, '.')))]; // with the separator, a document fills a window
        string data = run.Write("pairs.jsonl", string.Concat(pairs.Select(pair =>
            JsonSerializer.Serialize(new { prompt = pair.Prompt, completion = pair.Completion }) + "\n")));
        TrainGptRun.Good(run.TrainOn(data, "pairs", "--tokenizer", "byte", "--documents", "apart"));
        string line = TrainGptRun.Good("evaluate", "--out", run.File("pairs"), "--data", data);

        using var device = Device.CreateReference();
        using var snapshot = Snapshot.Open(run.File("pairs"));
        using var model = snapshot.Configuration<RunConfiguration>().Model.Create(device);
        snapshot.Restore(model.Parameters());
        model.Eval();
        double sum = 0;
        int counted = 0;
        foreach (var (prompt, completion) in pairs[..^1]) // the last window is short of a target
        {
            byte[] ids = Encoding.UTF8.GetBytes($"{prompt}{completion}\u0003");
            using var scope = device.Scope("by hand");
            double[] logits = model.Logits(Tensor.From<int>([.. ids.Select(id => (int)id)], (1, ids.Length), device)).ToArray<double>();
            for (int t = prompt.Length - 1; t + 1 < ids.Length; t++, counted++)
            {
                double[] row = logits[(t * 256)..((t + 1) * 256)];
                sum -= row[ids[t + 1]] - Math.Log(row.Sum(Math.Exp));
            }
        }

        string expected = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"validation loss {sum / counted:F4} ");
        Assert.StartsWith(expected, line);
        Assert.Contains($" {counted:N0} of 960 tokens, in 59 of 59 windows", line);
    }

    [Fact]
    public void A_chat_learns_its_answers_alone_and_says_them()
    {
        string data = run.Write("chat.jsonl", string.Concat(Enumerable.Range(0, 40).Select(_ => JsonSerializer.Serialize(new
        {
            messages = new[] { new { role = "user", content = "hi" }, new { role = "assistant", content = "yo" } },
        }) + "\n")));
        TrainGptRun.Good(run.TrainOn(data, "chat", "--tokenizer", "byte", "--context", "32", "--steps", "150", "--learning-rate", "2e-2",
            "--evaluate-every", "150"));
        var (code, output, errors) = TrainGptRun.RunWith("hi\nhi\n:quit\n", "chat", "--out", run.File("chat"), "--temperature", "0");
        Assert.Equal((0, ""), (code, errors));
        Assert.Equal("yo\nyo\n", output);
        (code, _, errors) = TrainGptRun.RunWith(new string('x', 40) + "\n", "chat", "--out", run.File("chat"));
        Assert.Contains("tokens with what belongs to it; the context is 32.", errors);
        Assert.Equal(0, code);
    }

    [Fact]
    public void A_folder_says_what_it_passes_over_and_refuses_other_encodings()
    {
        string folder = run.File("mixed");
        run.Write("mixed/a.txt", TrainGptRun.Text(300));
        run.Write("mixed/b/c.jsonl", "{\"text\":\"the cat\"}\n");
        run.Write("mixed/.git/config", "hidden");
        File.WriteAllBytes(run.File("mixed", "image.png"), [0x89, 0x50, 0x4E, 0x47, 0, 1, 2]);
        TrainGptRun.Good(run.Train(Path.Combine("mixed", "out"), "--steps", "1"));
        string output = TrainGptRun.Good(run.TrainOn(folder, "of-mixed", "--steps", "1"));
        Assert.StartsWith("Read 2 files, 319 bytes; passed over 1 (hidden: .git), 1 (run: out), 1 (not text: image.png).\n",
            output.Replace("1 (run: out), 1 (hidden: .git)", "1 (hidden: .git), 1 (run: out)", StringComparison.Ordinal));
        Assert.Contains(", 309 characters", output);
        File.WriteAllBytes(run.File("mixed", "latin.txt"), Encoding.Latin1.GetBytes("caf\u00e9 au lait"));
        Fails($"{run.File("mixed", "latin.txt")}: text: it is not UTF-8: byte 3 is 0xE9, as in Latin-1", run.TrainOn(folder, "never"));
        File.WriteAllBytes(run.File("mixed", "latin.txt"), Encoding.Unicode.GetBytes("the cat sat on the mat"));
        Fails("it looks like UTF-16 text", run.TrainOn(folder, "never"));
    }

    [Fact]
    public async Task Packed_files_and_tables_give_the_ids_of_plain_ones()
    {
        string[] texts = [.. Enumerable.Range(0, 30).Select(i => TrainGptRun.Text(80 + i))];
        string lines = string.Concat(texts.Select(text => JsonSerializer.Serialize(new { body = text }) + "\n"));
        run.Write("docs.jsonl", lines);
        using (var packed = new GZipStream(File.Create(run.File("packed.jsonl.gz")), CompressionLevel.Fastest))
            packed.Write(Encoding.UTF8.GetBytes(lines));
        var schema = new ParquetSchema(new DataField<int>("n"), new DataField<string>("body"));
        await using (var stream = File.Create(run.File("table.parquet")))
        await using (var table = await ParquetWriter.CreateAsync(schema, stream))
            foreach (string[] part in texts.Chunk(20))
            {
                using var rows = table.CreateRowGroup();
                await rows.WriteAsync<int>(schema.DataFields[0], Enumerable.Range(0, part.Length).ToArray());
                await rows.WriteAsync(schema.DataFields[1], part);
            }

        string[] found = [.. new[] { "docs.jsonl", "packed.jsonl.gz", "table.parquet" }.Select((name, i) =>
        {
            TrainGptRun.Good(run.TrainOn(run.File(name), $"kind{i}", "--text-field", "body", "--steps", "1"));
            return File.ReadLines(run.File($"kind{i}", "config.json")).Single(line => line.Contains("data-hash"));
        })];
        Assert.Single(found.Distinct());
        Fails("table.parquet: text: there is no such column of texts, and none of prompt and completion; there are n, body.",
            run.TrainOn(run.File("table.parquet"), "never"));
        byte[] whole = File.ReadAllBytes(run.File("table.parquet"));
        File.WriteAllBytes(run.File("cut.parquet"), whole[..^20]);
        Fails("cut.parquet: footer: it is no Parquet table", run.TrainOn(run.File("cut.parquet"), "never"));
        File.WriteAllBytes(run.File("cut.jsonl.gz"), File.ReadAllBytes(run.File("packed.jsonl.gz"))[..40]);
        Assert.Equal(1, TrainGptRun.Run(run.TrainOn(run.File("cut.jsonl.gz"), "never")).Code);
    }

    [Fact]
    public void What_is_prepared_is_what_is_encoded_and_is_made_anew_when_it_changes()
    {
        string data = run.Write("book.txt", TrainGptRun.Text(5000)), cache = run.File("cache");
        string Trained(string name, params string[] more) => TrainedOn(data, name, more);
        string TrainedOn(string data, string name, params string[] more)
        {
            TrainGptRun.Good(run.TrainOn(data, name, [.. more, "--steps", "1"]));
            return File.ReadLines(run.File(name, "config.json")).Single(line => line.Contains("data-hash"));
        }

        string plain = Trained("plain", "--tokenizer", "byte");
        Assert.Equal(plain, Trained("cached", "--tokenizer", "byte", "--cache", cache));
        string file = Assert.Single(Directory.GetFiles(cache));
        var written = File.GetLastWriteTimeUtc(file);
        Assert.Equal(plain, Trained("again", "--tokenizer", "byte", "--cache", cache));
        Assert.Equal(written, File.GetLastWriteTimeUtc(Assert.Single(Directory.GetFiles(cache))));
        TrainGptRun.Good("evaluate", "--out", run.File("again"));
        Assert.Equal("Made 5,000 tokens of 5,000 bytes", TrainGptRun.Good("prepare", "--data", data, "--tokenizer", "byte", "--out",
            run.File("book.bin"), "--shard-tokens", "2000").Split(" in ")[0]);
        Assert.Equal(plain, TrainedOn(run.File("book.bin"), "prepared"));
        Assert.Contains("the cat", TrainGptRun.Good("generate", "--out", run.File("prepared"), "--prompt", "the cat", "--tokens", "3"));
        File.Delete(TokenShards.TokenizerOf(run.File("book.bin")));
        Fails("was prepared with a tokenizer that is not beside it", run.TrainOn(run.File("book.bin"), "never"));
        Assert.Equal(plain, TrainedOn(run.File("book.bin"), "told", "--tokenizer", "byte"));
        File.WriteAllText(data, TrainGptRun.Text(4000));
        Assert.NotEqual(plain, Trained("changed", "--tokenizer", "byte", "--cache", cache));
        Assert.Equal(2, Directory.GetFiles(cache).Length);
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^2]);
        File.WriteAllText(data, TrainGptRun.Text(5000));
        File.SetLastWriteTimeUtc(data, File.GetLastWriteTimeUtc(data).AddSeconds(1));
        Assert.Equal(plain, Trained("mended", "--tokenizer", "byte", "--cache", cache));
    }

    [Theory]
    [InlineData("--out 'x.txt': the name of a token file ends in .bin", "--out", "x.txt")]
    [InlineData("There is no file or folder 'none'", "--data", "none")]
    [InlineData("--threads -1 is out of range", "--threads", "-1")]
    [InlineData("--shard-tokens 0 is out of range", "--shard-tokens", "0")]
    public void What_cannot_be_prepared_is_said(string message, string option, string value)
    {
        string[] usual = ["--data", run.Data, "--out", run.File("never.bin")];
        int place = Array.IndexOf(usual, option);
        if (place >= 0) usual[place + 1] = value;
        var (code, _, errors) = TrainGptRun.Run(["prepare", .. usual, .. place >= 0 ? Array.Empty<string>() : [option, value]]);
        Assert.Contains(message, errors);
        Assert.Equal(1, code);
        Assert.False(File.Exists(run.File("never.bin")));
    }

    [Fact]
    public void Documents_kept_apart_need_ends()
    {
        new TokenEncoder(new ByteTokenizer()).Write([DocumentPart.Of(TrainGptRun.Text(500))], run.File("endless.bin"), new string('0', 32));
        Fails("does not say where its documents end",
            run.TrainOn(run.File("endless.bin"), "never", "--documents", "apart", "--tokenizer", "byte"));
    }

    private void Fails(string message, string[] args)
    {
        var (code, _, errors) = TrainGptRun.Run(args);
        Assert.Contains(message, errors);
        Assert.Equal(1, code);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
        Assert.False(Directory.Exists(run.File("never")));
    }
}
