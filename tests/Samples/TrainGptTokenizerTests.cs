using TrainGpt;

namespace Mayfly.Tests;

/// <summary><c>--tokenizer</c> and <c>tokenizer train</c>, from text to a run and its continuation.</summary>
public sealed class TrainGptTokenizerTests(TrainGptRun run) : IClassFixture<TrainGptRun>
{
    [Fact]
    public void A_vocabulary_that_was_learned_trains_resumes_and_generates()
    {
        string file = run.File("bpe.json");
        string learned = TrainGptRun.Good("tokenizer", "train", "--data", run.Data, "--vocab", "280", "--out", file);
        Assert.Contains("Read 6,000 bytes of 1 files", learned);
        Assert.Contains("learned 280 tokens", learned);
        Assert.Contains("tokens, a vocabulary of 280.", TrainGptRun.Good(run.Train("bpe", "--tokenizer", file)));
        File.Delete(file); // the snapshot has all that is needed
        string text = TrainGptRun.Good("generate", "--out", run.File("bpe"), "--prompt", "the cat – ", "--tokens", "20");
        Assert.StartsWith("the cat – ", text);
        Assert.Contains("Goes on after step 20.", TrainGptRun.Good("train", "--resume", "--out", run.File("bpe"), "--steps", "24"));
    }

    [Fact]
    public void Names_stand_for_vocabularies()
    {
        foreach (var (name, size) in new[] { ("byte", 256), ("gpt2", 50_257), ("char", 22) })
            Assert.Equal(size, (TokenizerChoice.Open(name) ?? new CharTokenizer(TrainGptRun.Text(6000), hasUnknown: true)).VocabularySize);
        Assert.Contains("tokens, a vocabulary of 256.", TrainGptRun.Good(run.Train("bytes", "--tokenizer", "byte")));
        Assert.Contains("\"tokenizer\": \"byte\"", File.ReadAllText(run.File("bytes", "config.json"))); // no path
    }

    [Fact]
    public void Characters_by_name_have_one_for_those_they_lack()
    {
        TrainGptRun.Good(run.Train("chars", "--tokenizer", "char"));
        Assert.StartsWith("the c\uFFFDt", TrainGptRun.Good("generate", "--out", run.File("chars"), "--prompt", "the cät", "--tokens", "5"));
        Assert.Contains("'ä' (U+00E4)", TrainGptRun.Run("generate", "--out", run.Trained, "--prompt", "the cät").Errors);
    }

    [Theory]
    [InlineData("300", "missing.txt", "bpe.json", 1, "missing.txt")]
    [InlineData("256", "", "bpe.json", 2, "--vocab 256: a number from 257")]
    [InlineData("x", "", "bpe.json", 2, "--vocab x: a number")]
    [InlineData("300", "", "trained", 1, "it is a folder")]
    public void What_is_wrong_is_one_line(string size, string data, string output, int code, string problem)
    {
        var (found, _, errors) = TrainGptRun.Run(
            "tokenizer", "train", "--vocab", size, "--data", data.Length == 0 ? run.Data : run.File(data), "--out", run.File(output));
        Assert.Equal(code, found);
        Assert.Contains(problem, errors);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public void Fewer_tokens_than_asked_for_are_said()
    {
        string data = run.Write("few.txt", "abab abab");
        var (code, _, errors) = TrainGptRun.Run("tokenizer", "train", "--data", data, "--vocab", "5000", "--out", run.File("few.json"));
        Assert.Equal(0, code);
        Assert.Contains("warning: the text gives 259 tokens, not 5000", errors);
    }
}
