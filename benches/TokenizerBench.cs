using System.Diagnostics;
using System.Text;
using Microsoft.ML.Tokenizers;
using TrainGpt;

namespace Mayfly.Benches;

/// <summary>How fast text becomes ids on one core, beside Microsoft.ML.Tokenizers with the same vocabulary and the same ids.</summary>
internal static class TokenizerBench
{
    private const int Mega = 1_000_000;
    private static readonly (string Model, string Package, string File)[] Encodings =
    [
        ("gpt-2", "Gpt2", "gpt2"), ("gpt-4", "Cl100kBase", "cl100k_base"), ("gpt-4o", "O200kBase", "o200k_base"),
    ];

    /// <summary>Prints a line for each vocabulary, and one for learning one.</summary>
    public static int Run(string data, int rounds)
    {
        string text = File.ReadAllText(data);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Console.WriteLine($"{data}: {bytes.Length:N0} bytes; megabytes a second, best of {rounds} rounds that alternate");
        foreach (var (model, package, file) in Encodings) Compare(text, bytes, model, package, file, rounds);
        Learn(bytes, rounds);
        return 0;
    }

    private static void Compare(string text, byte[] bytes, string model, string package, string file, int rounds)
    {
        var ours = Vocabularies.Open(package, file);
        var other = TiktokenTokenizer.CreateForModel(model);
        bool isSame = other.EncodeToIds(text).SequenceEqual(ours.Encode(text));
        double own = double.PositiveInfinity, theirs = double.PositiveInfinity;
        for (int round = 0; round < rounds; round++)
        {
            own = Math.Min(own, Seconds(() => ours.EncodeBytes(bytes)));
            theirs = Math.Min(theirs, Seconds(() => other.EncodeToIds(text)));
        }

        Console.WriteLine($"{file,-12} Mayfly {bytes.Length / own / Mega,6:F1}   Microsoft.ML.Tokenizers "
            + $"{bytes.Length / theirs / Mega,6:F1}   {(isSame ? "the same ids" : "other ids")}");
    }

    private static void Learn(byte[] bytes, int rounds)
    {
        foreach (int threads in new[] { 1, 2 })
        {
            double best = double.PositiveInfinity;
            for (int round = 0; round < rounds; round++)
                best = Math.Min(best, Seconds(() => new BpeTrainer(4096, threads).Add(new MemoryStream(bytes))));
            Console.WriteLine($"counting pieces to learn a vocabulary, {threads} threads {bytes.Length / best / Mega,6:F1}");
        }

        var trainer = new BpeTrainer(4096);
        trainer.Add(new MemoryStream(bytes));
        Console.WriteLine($"learning 4096 tokens of {trainer.Pieces:N0} pieces: {Seconds(() => trainer.Train()):F2} s");
    }

    private static double Seconds(Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed.TotalSeconds;
    }
}
