using System.Globalization;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>What strangers type, and what a terminal gets to see.</summary>
public class TrainGptCommandLineTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Theory]
    [InlineData("train --stepps 3", "There is no option '--stepps' (did you mean --steps?). See --help.")]
    [InlineData("train --learning_rate 3", "There is no option '--learning_rate' (did you mean --learning-rate?). See --help.")]
    [InlineData("train --lr 3", "There is no option '--lr' (did you mean --learning-rate?). See --help.")]
    [InlineData("train -steps 3", "There is no option '-steps' (did you mean --steps?). See --help.")]
    [InlineData("train --frobnicate", "There is no option '--frobnicate'. See --help.")]
    [InlineData("trian", "There is no command 'trian' (did you mean train?). See --help.")]
    [InlineData("quote", "There is no command 'quote'. See --help.")]
    [InlineData("train --optimizer muom", "'sgd' (did you mean muon?). See --help.")]
    [InlineData("evaluate --validation x", "There is no option '--validation'. See --help.")]
    [InlineData("train --steps 0x10", "--steps: '0x10' is not a whole number that can be used here. See --help.")]
    [InlineData("train --steps 99999999999",
        "--steps: 99999999999 is out of range; give a whole number from -2147483648 to 2147483647. See --help.")]
    [InlineData("train --seed -1", "--seed: -1 is out of range; give a whole number from 0 to 18446744073709551615. See --help.")]
    [InlineData("train --steps 1e99", "--steps: '1e99' is not a whole number that can be used here. See --help.")]
    [InlineData("train --steps 1.5e0", "--steps: '1.5e0' is not a whole number that can be used here. See --help.")]
    [InlineData("train --steps \u0661\u0660", "is not a whole number that can be used here. See --help.")]
    [InlineData("train --clip \u22121", "is not a number that can be used here. See --help.")]
    public void What_is_not_known_is_named_with_the_nearest_that_is(string line, string message)
    {
        var (code, _, errors) = TrainGptRun.Run(line.Split(' '));
        Assert.Equal(2, code);
        Assert.StartsWith("error: ", errors);
        Assert.EndsWith($"{message}\n", errors);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
    }

    [Theory]
    [InlineData("1e1", 10)]
    [InlineData("+7", 7)]
    [InlineData("12.0", 12)]
    [InlineData(" 3", 3)]
    public void A_whole_number_may_be_written_in_several_ways(string text, int number) =>
        Assert.Equal(number, Option("steps").Read([text]));

    [Fact]
    public void The_last_of_an_option_given_again_counts()
    {
        string folder = run.File("again");
        TrainGptRun.Good(run.Train("never", "--out", folder, "--steps", "5", "--steps", "3", "--tied", "false", "--tied"));
        Assert.Equal(4, File.ReadAllLines(Path.Combine(folder, "log.csv")).Length);
        Assert.Contains("\"tied\": true", File.ReadAllText(Path.Combine(folder, "config.json")));
        Assert.False(Directory.Exists(run.File("never")));
    }

    [Theory]
    [InlineData("de", ",", "-", "0123456789")]
    [InlineData("sv", ",", "\u2212", "0123456789")]
    [InlineData("fa", "\u066B", "\u200E\u2212", "\u06F0\u06F1\u06F2\u06F3\u06F4\u06F5\u06F6\u06F7\u06F8\u06F9")]
    public void No_culture_changes_a_word(string name, string point, string minus, string digits)
    {
        string[][] commands =
        [
            ["train", "--help"], ["generate", "--help"], run.Train("never", "--steps", "-3"), run.Train("never", "--dropout", "1.5"),
            ["evaluate", "--out", run.Trained], ["generate", "--out", run.Trained, "--tokens", "-5"], run.Train("never", "--seed", "-1"),
            ["generate", "--out", run.Trained, "--prompt", "a", "--prompt", "b", "--count", "1000"],
        ];
        var expected = commands.Select(command => TrainGptRun.Run(command)).ToArray();
        var (before, other) = (CultureInfo.CurrentCulture, (CultureInfo)CultureInfo.InvariantCulture.Clone());
        (other.NumberFormat.NumberDecimalSeparator, other.NumberFormat.NegativeSign) = (point, minus);
        other.NumberFormat.NativeDigits = [.. digits.Select(digit => $"{digit}")];
        try
        {
            CultureInfo.CurrentCulture = other;
            Assert.True(name.Length == 2);
            Assert.Equal(expected, commands.Select(command => TrainGptRun.Run(command)));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    /// <summary>Escape, bell and others in data, names, prompts and options are shown, not obeyed.</summary>
    [Fact]
    public void No_control_character_reaches_a_terminal()
    {
        string escapes = "\u001b]0;title\u0007\u001b[31m\u009b2J\b\u007f\r";
        string folder = "o\u001b[2Jut", data = run.Write("d\u001b[31m.txt", string.Concat(Enumerable.Repeat(escapes + " text\r\n", 200)));
        string[][] commands =
        [
            run.TrainOn(data, folder, "--steps", "2"), ["evaluate", "--out", run.File(folder)], ["report", "--out", run.File(folder)],
            ["generate", "--out", run.File(folder), "--prompt", escapes, "--prompt", "t", "--tokens", "300", "--temperature", "30"],
            ["train", "--resume", "--out", run.File(folder), "--steps", "4"], ["train", $"--op\u001b[31m"], [escapes],
            ["train", "--steps", escapes], ["train", "--optimizer", escapes], ["evaluate", "--out", escapes], run.TrainOn(escapes, "never"),
            ["generate", "--out", run.File(folder), "--prompt", "\u001c"], ["train", "--config", data],
        ];
        foreach (string[] command in commands)
        {
            var (_, output, errors) = TrainGptRun.Run(command);
            Assert.True(output.Length + errors.Length > 0);
            Assert.DoesNotContain(output + errors, character => char.IsControl(character) && character is not ('\n' or '\t' or '\r'));
            Assert.DoesNotMatch("\r[^\n]", output + errors);
        }

        Assert.Contains("\u241b", TrainGptRun.Run(commands[0]).Output);
    }

    [Fact]
    public void A_line_end_in_two_pieces_stays_one()
    {
        var inner = new StringWriter { NewLine = "\n" };
        var clean = new CleanWriter(inner);
        foreach (string piece in new[] { "a\r", "\nb\r", "c", "\r", "\r\n", "\t\0" }) clean.Write(piece);
        clean.Write('\r');
        clean.WriteLine("d");
        clean.WriteLine();
        Assert.Equal("a\r\nb\u240dc\u240d\r\n\t\u2400\u240dd\n\n", inner.ToString());
    }

    [Theory]
    [InlineData("--data", "x")]
    [InlineData("--validation", "nothing.txt")]
    [InlineData("--tokenizer", "missing.json")]
    [InlineData("--config", "missing.json")]
    public void A_name_that_stands_for_nothing_is_refused_before_data_is_read(string option, string name)
    {
        string huge = run.Write("binary.bin", "odd"); // would be refused when it is read
        var (code, output, errors) = TrainGptRun.Run(run.TrainOn(huge, "never", option, run.File(name)));
        Assert.Equal((1, ""), (code, output));
        Assert.Contains(run.File(name), errors);
        Assert.DoesNotContain("binary.bin", errors);
    }

    [Fact]
    public void What_is_too_short_is_refused_before_the_model_is_made()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var (code, output, errors) = TrainGptRun.Run("train", "--data", run.Data, "--out", run.File("never"), "--model", "llama-1b",
            "--context", "65536", "--batch", "1");
        Assert.Equal((1, ""), (code, output));
        Assert.Contains("a context of 65536 needs", errors);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100 << 20, "The weights were drawn first.");
    }

    /// <summary>A run in the folder that it learns from does not learn from itself.</summary>
    [Fact]
    public void A_folder_of_data_may_hold_the_run()
    {
        run.Write("home/a.txt", TrainGptRun.Text(2000));
        string own = run.File("home", "out"), data = run.File("home");
        string first = TrainGptRun.Good(run.TrainOn(data, Path.Combine("home", "out"), "--steps", "1")).Split('\n')[1];
        TrainGptRun.Good("report", "--out", own);
        string again = TrainGptRun.Good(run.TrainOn(data, Path.Combine("home", "out"), "--steps", "1"));
        Assert.Equal(first, again.Split('\n')[1]);
        Assert.StartsWith("Read 1 file, 2,000 bytes; passed over 1 (run: out).\n", again);
        TrainGptRun.Good("train", "--resume", "--out", own, "--steps", "2");
    }

    [Fact]
    public void Data_that_fits_the_model_badly_is_named()
    {
        string validation = run.Write("short.txt", "the cat"), other = run.Write("capital.txt", TrainGptRun.Text(500) + "[");
        Assert.StartsWith($"error: '{validation}' has 7 tokens to validate on; a context of 16 needs 17.",
            TrainGptRun.Run(run.Train("never", "--validation", validation)).Errors);
        Assert.StartsWith($"error: '{other}': The character '[' (U+005B) at position 500 ",
            TrainGptRun.Run("evaluate", "--out", run.Trained, "--data", other).Errors);
    }

    [Fact]
    public void A_file_is_evaluated_as_a_whole_unless_told_otherwise()
    {
        string first = TrainGptRun.Text(900), data = run.Write("one.txt", first + TrainGptRun.Text(100));
        string whole = TrainGptRun.Good("evaluate", "--out", run.Trained, "--data", data);
        Assert.EndsWith($"\nmeasured on '{data}': 992 of 1,000 tokens, in 62 of 62 windows of 16, stride 16\n", whole);
        File.WriteAllText(data, string.Concat(first.Reverse()) + TrainGptRun.Text(100));
        Assert.NotEqual(whole, TrainGptRun.Good("evaluate", "--out", run.Trained, "--data", data));
        string part = TrainGptRun.Good("evaluate", "--out", run.Trained, "--data", data, "--tokens", "100");
        Assert.EndsWith(": 96 of 1,000 tokens, in 6 of 62 windows of 16, stride 16\n", part);
        string own = run.File("own");
        string output = TrainGptRun.Good(run.Train("own", "--validation", data));
        Assert.Equal(TrainGptRun.Good("evaluate", "--out", own), TrainGptRun.Good("evaluate", "--out", own, "--data", data));
        Assert.Contains(TrainGptRun.Good("evaluate", "--out", own), output);
    }

    /// <summary>Against the definition: nats of each predicted token, by a window at a time, over the text's bytes.</summary>
    [Fact]
    public void Bits_per_byte_are_those_of_the_text()
    {
        string text = string.Concat(Enumerable.Repeat("na\u00efve \u20ac 5, \U0001F600 ", 40)), data = run.Write("wide.txt", text);
        TrainGptRun.Good(run.TrainOn(data, "wide", "--steps", "3"));
        string output = TrainGptRun.Good("evaluate", "--out", run.File("wide"), "--data", data, "--threads", "1");
        double loss = Number(output, "loss "), bits = Number(output, "perplexity ", " | ");
        var characters = text.EnumerateRunes().ToArray(); // each is a token
        var predicted = characters.Skip(1).Take((characters.Length - 1) / 16 * 16).ToArray();
        Assert.Equal(loss * predicted.Length / predicted.Sum(character => character.Utf8SequenceLength) / Math.Log(2), bits, 2e-4);
    }

    [Fact]
    public void The_evaluation_at_the_end_is_bounded_and_says_so()
    {
        string data = run.Write("long.txt", TrainGptRun.Text(200_000));
        string output = TrainGptRun.Good(run.TrainOn(data, "bounded", "--steps", "2", "--evaluate-every", "100"));
        Assert.Contains("\nevaluating on 4,096 of 20,000 tokens; --evaluate-tokens 0 takes all\n", output);
        Assert.Contains(": 4,096 of 20,000 tokens, in 256 of 1,249 windows of 16, stride 16\n", output);
        output = TrainGptRun.Good("train", "--resume", "--out", run.File("bounded"), "--steps", "3", "--evaluate-tokens", "0");
        Assert.Contains("\nevaluating on 19,984 of 20,000 tokens\n", output);
        Assert.Contains(TrainGptRun.Good("evaluate", "--out", run.File("bounded")), output);
    }

    [Theory]
    [InlineData(float.NaN, "The validation loss is NaN", "its weight tokens.table is not finite")]
    [InlineData(1e38f, "The validation loss is ", "its weights are finite, but too large")]
    public void A_model_that_gives_no_number_is_no_result(float value, string message, string cause)
    {
        string folder = run.File($"none{value}");
        TrainGptRun.Good(run.Train($"none{value}", "--steps", "1"));
        Overwrite(Path.Combine(folder, Snapshot.FileName), "tokens.table", value);
        var (code, output, errors) = TrainGptRun.Run("evaluate", "--out", folder);
        Assert.Equal((1, ""), (code, output));
        Assert.Contains(message, errors);
        Assert.Contains(cause, errors);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
    }

    [Fact]
    public void A_warm_up_longer_than_the_run_is_said()
    {
        Assert.Contains("The warm-up of 100 steps is longer than the run: the learning rate gets up to 0.0002 instead of 0.01; ",
            TrainGptRun.Good(run.Train("cold", "--steps", "2", "--warm-up", "100")));
        Assert.DoesNotContain("The warm-up", run.TrainOutput);
    }

    [Fact]
    public void More_steps_change_the_learning_rate_and_say_so()
    {
        TrainGptRun.Good(run.Train("longer", "--warm-up", "0"));
        string output = TrainGptRun.Good("train", "--resume", "--out", run.File("longer"), "--steps", "40");
        Assert.Contains("\nChanged from here on: --steps 20 -> 40.\n"
            + "The learning rate goes on with 0.00515 at step 21 (was 0.001) and ends with 0.001 at step 40.\n", output);
    }

    [Fact]
    public void The_tokenizer_of_the_run_may_be_given_again_and_no_other()
    {
        new CharTokenizer(TrainGptRun.Text(2000)).Save(run.File("t.json"));
        TrainGptRun.RunUntil("step 10 of 20", run.Train("tokenizer", "--tokenizer", run.File("t.json")));
        File.Copy(run.File("t.json"), run.File("same.json"));
        new ByteTokenizer().Save(run.File("byte.json"));
        string[] resume = ["train", "--resume", "--out", run.File("tokenizer"), "--tokenizer"];
        foreach (string name in new[] { "missing.json", "byte.json" })
            Assert.Matches($"^error: --tokenizer .*{name} does not fit .*\n$", TrainGptRun.Run([.. resume, run.File(name)]).Errors);
        TrainGptRun.Good([.. resume, run.File("same.json")]);
    }

    [Theory]
    [InlineData("out put")]
    [InlineData("l\u00ednea\nnueva")]
    [InlineData("--odd=")]
    public void Odd_names_are_names(string name)
    {
        string data = run.Write($"{name}.txt", TrainGptRun.Text(2000));
        TrainGptRun.Good(run.TrainOn(data, name, "--steps", "1"));
        TrainGptRun.Good("evaluate", "--out", run.File(name), "--data", data);
        Assert.Equal(0, TrainGptRun.Run("train", "--resume", "--steps", "2", $"--out={run.File(name)}").Code);
    }

    /// <summary>Gives all elements of a tensor of a snapshot one value, with checksums that are right.</summary>
    private static void Overwrite(string file, string tensor, float value)
    {
        var writer = new SafeTensorsWriter { HasChecksums = true };
        using (var reader = SafeTensorsReader.Open(file))
        {
            foreach (var (name, entry) in reader.Entries)
            {
                float[] values = reader.Read<float>(name);
                if (name == tensor) values.AsSpan().Fill(value);
                writer.Add<float>(name, values, new Shape([.. entry.Sizes]));
            }

            foreach (var (key, text) in reader.Metadata.Where(m => !m.Key.StartsWith("crc32c", StringComparison.Ordinal)))
                writer.Metadata[key] = text;
        }

        writer.Save(file);
    }

    private static Declaration Option(string name) => Declaration.Of<TrainOptions>().Single(option => option.Name == name);

    private static double Number(string text, string after, string? then = null)
    {
        int start = text.IndexOf(after, StringComparison.Ordinal) + after.Length;
        if (then is not null) start = text.IndexOf(then, start, StringComparison.Ordinal) + then.Length;
        return double.Parse(text[start..].Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
