using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;

namespace TrainGpt;

/// <summary><c>tokenizer train</c>: learns a vocabulary. It is about no run, so that its options are its own.</summary>
internal static class TokenizerCommand
{
    private const int Least = 257, Most = 1 << 20, Standard = 4096;

    public static Command Create(CommandContext context)
    {
        var command = new Command("tokenizer", "Makes tokenizers.");
        command.Add(Train(context));
        return command;
    }

    private static Command Train(CommandContext context)
    {
        var data = new Option<string>("--data") { Description = "The text to learn from: a file of any size, or a folder of UTF-8 texts.",
            HelpName = "FILE|FOLDER", Required = true };
        var size = new Option<int>("--vocab") { Description = "The number of tokens: the 256 bytes, what is learned, and <|endoftext|>.",
            HelpName = "N", DefaultValueFactory = _ => Standard, CustomParser = ReadSize };
        var output = new Option<string>("--out") { Description = "The file to write, a tokenizer.json in Hugging Face's format; give it to "
            + "train by --tokenizer.", HelpName = "FILE", Required = true };
        var command = new Command("train", "Learns a byte-level BPE vocabulary from text.") { data, size, output };
        command.SetAction(parse => Run(parse.GetRequiredValue(data), parse.GetValue(size), parse.GetRequiredValue(output), context));
        return command;
    }

    private static int ReadSize(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size is >= Least and <= Most) return size;
        result.AddError(string.Create(CultureInfo.InvariantCulture, $"--vocab {text}: a number from {Least} to {Most} is needed"));
        return 0;
    }

    private static void Run(string data, int size, string output, CommandContext context)
    {
        if (Directory.Exists(output)) throw new InputException($"Cannot write '{output}': it is a folder, not a file.");
        var trainer = new BpeTrainer(size);
        var clock = Stopwatch.StartNew();
        var (read, skipped) = trainer.Add(data, context.Stop);
        double seconds = clock.Elapsed.TotalSeconds;
        var tokenizer = trainer.Train(context.Stop);
        tokenizer.SaveHuggingFace(output);
        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Read {trainer.ReadBytes:N0} bytes of {read} files ({skipped} others are no text) in {seconds:F1} s, {trainer.Pieces:N0} "
            + $"different pieces; "
            + $"learned {tokenizer.VocabularySize:N0} tokens in {clock.Elapsed.TotalSeconds - seconds:F1} s and wrote them to {output}."));
        if (tokenizer.VocabularySize < size)
            context.Warn($"the text gives {tokenizer.VocabularySize} tokens, not {size}: no two neighbours come twice any more.");
    }
}
