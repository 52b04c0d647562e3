namespace Mayfly.Tests;

/// <summary>What generate makes of its options, and its loop of prompts.</summary>
public class TrainGptGenerateTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Fact]
    public void Several_prompts_are_each_continued_as_alone()
    {
        string One(string prompt) => Generate("--prompt", prompt, "--temperature", "0");
        Assert.Equal(
            $"--- 1 of 3 ---\n{One("the cat")}--- 2 of 3 ---\n{One("a")}--- 3 of 3 ---\n{One("who knows")}",
            Generate("--prompt", "the cat", "--prompt", "a", "--prompt", "who knows", "--temperature", "0"));
    }

    [Fact]
    public void Several_continuations_of_a_prompt_differ_and_the_first_is_that_of_one()
    {
        string[] texts = Generate("--prompt", "the", "--count", "3", "--temperature", "2").Split("---\n")[1..];
        Assert.StartsWith(Generate("--prompt", "the", "--temperature", "2"), texts[0]);
        Assert.Equal(3, texts.Select(text => text[..20]).Distinct().Count());
    }

    [Theory]
    [InlineData("--top-p", "1e-9")]
    [InlineData("--min-p", "1")]
    [InlineData("--top-k", "1")]
    public void A_filter_that_leaves_one_token_takes_the_best(string option, string value) =>
        Assert.Equal(Generate("--temperature", "0"), Generate("--temperature", "3", option, value));

    /// <summary>A text is never the name of a file with options, also where there is such a file or folder.</summary>
    [Fact]
    public void A_prompt_may_begin_with_an_at_sign()
    {
        string signs = string.Concat(Enumerable.Range(' ', '~' - ' ' + 1).Select(sign => (char)sign));
        TrainGptRun.Good(run.TrainOn(run.Write("at.txt", TrainGptRun.Text(2000) + signs), "at", "--steps", "1"));
        foreach (string prompt in new[] { "@nobody", $"@{run.Write("words", "--tokens 0")}", $"@{run.Trained}" })
            Assert.Equal($"{prompt}\n", TrainGptRun.Good("generate", "--out", run.File("at"), "--prompt", prompt, "--tokens", "0"));
    }

    [Fact]
    public void A_penalty_ends_repetition()
    {
        string text = Generate("--prompt", "the", "--temperature", "0", "--repetition-penalty", "1e9", "--tokens", "5").TrimEnd('\n');
        Assert.Equal(text.Length, text.Distinct().Count());
        Assert.NotEqual(text, Generate("--prompt", "the", "--temperature", "0", "--tokens", "5").TrimEnd('\n'));
    }

    [Fact]
    public void A_stop_text_ends_a_continuation_and_is_left_out()
    {
        string whole = Generate("--temperature", "2"), stop = whole.Substring(15, 2);
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)] + "\n",
            Generate("--temperature", "2", "--stop", "[]", "--stop", stop));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\nignored\n")]
    [InlineData(":quit\nignored\n")]
    public void Prompts_are_read_until_the_end(string end)
    {
        string First(string prompt, string seed) => Generate("--prompt", prompt, "--seed", seed)[prompt.Length..];
        var (code, output, errors) = TrainGptRun.RunWith($"the cat\n[\nthe dog\n{end}", Command("--interactive", "--seed", "7"));
        Assert.Equal(0, code);
        Assert.Equal(First("the cat", "7") + First("the dog", "9"), output);
        Assert.StartsWith("error: ", errors);
        Assert.Contains("U+005B", errors);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
    }

    [Fact]
    public void An_interrupt_ends_an_answer_and_not_the_loop()
    {
        string[] command = Command("--interactive", "--temperature", "2");
        string[] whole = TrainGptRun.RunWith("the c\nthe c\n", command).Output.Split('\n'),
            cut = TrainGptRun.RunUntil("e", command, "the c\nthe c\n").Split(Environment.NewLine);
        Assert.Equal(2 + 1, cut.Length);
        Assert.NotEqual(cut[0], cut[1]);
        for (int i = 0; i < 2; i++) Assert.Equal(whole[i][..(whole[i].IndexOf('e') + 1)], cut[i]);
    }

    [Fact]
    public void A_signal_at_rest_ends_the_program_and_a_second_one_while_it_stops()
    {
        var signals = new TrainGpt.Signals();
        Assert.True(signals.Terminate());
        Assert.True(signals.Stop.IsCancellationRequested);
        Assert.False(signals.Interrupt());

        signals = new TrainGpt.Signals();
        signals.Wait();
        Assert.False(signals.Interrupt() || signals.Terminate());
        var answer = signals.BeginAnswer();
        Assert.False(signals.Terminate());
        Assert.True(signals.Interrupt());
        Assert.True(answer.IsCancellationRequested);
        Assert.False(signals.Interrupt() || signals.Stop.IsCancellationRequested);
    }

    [Theory]
    [InlineData("--top-p 0", "--top-p 0 is out of range")]
    [InlineData("--min-p 2", "--min-p 2 is out of range")]
    [InlineData("--repetition-penalty 0", "--repetition-penalty 0 is out of range")]
    [InlineData("--count 0", "--count 0 is out of range")]
    [InlineData("--count 600 --prompt a --prompt b", "--count 600 is out of range")]
    [InlineData("--stop ", "--stop is empty")]
    [InlineData("--interactive --prompt a", "leave --prompt out")]
    public void Impossible_requests_end_in_one_line(string options, string message)
    {
        var (code, _, errors) = TrainGptRun.Run(Command(options.Split(' ')));
        Assert.Equal(1, code);
        Assert.StartsWith("error: ", errors);
        Assert.Contains(message, errors);
        Assert.Equal(errors.Length - 1, errors.IndexOf('\n'));
    }

    private string Generate(params string[] options) => TrainGptRun.Good(Command(options));

    private string[] Command(params string[] options) =>
        ["generate", "--out", run.Trained, .. options.Contains("--tokens") ? Array.Empty<string>() : ["--tokens", "30"], .. options];
}
